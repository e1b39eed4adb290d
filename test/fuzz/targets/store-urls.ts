import { Readable, Writable } from 'node:stream';
import type { KeyCipher, KeyProvider } from '../../../src/core/index.js';
import { CommandError, explainError, UsageError } from '../../../src/cli/errors.js';
import type { CliIo } from '../../../src/cli/io.js';
import type { CommandOptions } from '../../../src/cli/options/command-options.js';
import { openRing } from '../../../src/cli/options/ring-url.js';
import { checkWritable, isCipherUrl, openCipher, openStore, parseAzureSecret } from '../../../src/cli/options/store.js';
import { check, checkError, KEY_WORDS, readText } from '../lib/key.js';
import type { Target } from '../lib/target.js';

const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });
const io: CliIo = { stdin: Readable.from([]), stdout: nowhere(), stderr: nowhere(), env: {} };
const SCHEMES = 'vault vault-transit secrets-manager ssm azure-key-vault file env redis rediss dynamodb'.split(' ');

/** What may follow --store and --ring, and on a second line --name: a store that is opened, or wrong usage. */
export const target: Target = {
  words: [
    ...[...KEY_WORDS, ...SCHEMES.map((scheme) => `${scheme}://`), '127.0.0.1', '[::1]', ':6379', '/0/', '#field', '@'],
    ...['?endpoint=http://127.0.0.1:8000', '?region=eu-west-1', '%', '%2f', '%00', '..', '//', ':', '\n', 'localhost'],
  ],
  maxLength: 512,
  async run(input) {
    const [url = '', name] = readText(input).split('\n', 2);
    const options: CommandOptions = {
      encryptionContext: { service: 'gold' },
      ciphertext: 'vault:v1:AAAA',
      region: 'eu-west-1',
      ...(name !== undefined && name !== '' && { name }),
    };
    await attempt(async () => {
      const { ring, name: found } = await openRing(io, { ...options, ring: url });
      check(typeof ring.read === 'function' && found !== '', 'No ring was opened.');
      await ring.close?.();
    });
    await attempt(async () => checkOpened(await openStore(io, { ...options, store: url })));
    await attempt(async () => checkOpened(await openCipher(io, { ...options, store: url })));
    await attempt(() => checkWritable(url));
    await attempt(() => {
      const { vaultUrl, secretName } = parseAzureSecret(url);
      const { protocol, username, password, pathname } = new URL(vaultUrl);
      check(/^https?:$/.test(protocol) && `${username}${password}` === '' && pathname === '/', 'The vault is no host.');
      check(secretName !== '' && !secretName.includes('/'), 'The secret has no name.');
    });
    isCipherUrl(url);
  },
};

async function checkOpened(opened: KeyProvider | KeyCipher): Promise<void> {
  check(opened.name !== '', 'No store was opened.');
  await opened.close?.();
}

/** Runs `work`, which succeeds or fails with an error that the command line can explain. */
async function attempt(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    checkError(error, (other) => other instanceof UsageError || other instanceof CommandError);
    const { code, message } = explainError(error, []);
    check(code !== 'ERR_FAILED' && message !== '', `The command line cannot explain it: ${message}`);
  }
}
