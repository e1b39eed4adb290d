import { KeyedClient } from '../../core/index.js';
import { result, type CliIo } from '../io.js';
import type { KeyOptions } from '../options/store-options.js';
import { keyTimeoutOf, providerOf } from '../options/store.js';

/** The options of `verify`. */
export interface VerifyOptions extends KeyOptions {
  json?: boolean | undefined;
}

/** Decrypts, and tells what can be told of a key without showing it. */
export async function verify(io: CliIo, options: VerifyOptions): Promise<void> {
  const keyTimeout = keyTimeoutOf(io, options);
  const keyProvider = await providerOf(io, options);
  await using client = new KeyedClient({ keyProvider, keyTimeout, timeout: keyTimeout });
  const length = await client.withKey(({ bytes }) => Promise.resolve(bytes.length));
  const { version, fingerprint } = client.status();
  result(io, options.json, { version, fingerprint, length }, () =>
    [`version      ${String(version)}`, `fingerprint  ${String(fingerprint)}`, `length       ${String(length)}`].join(
      '\n',
    ),
  );
}
