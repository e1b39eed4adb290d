import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fromFile, type FromFileOptions } from '../../../src/providers/file/index.js';
import { failure, request, text } from '../loading.js';
import { folderFor } from '../secret-files.js';

const KEY = 'sk-invented/+&=0123456789';
const NAME = 'gold-api-key';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A folder as systemd makes it: the credential is a file of mode 0400. */
async function credentialsFolder(key = KEY): Promise<string> {
  const folder = await folderFor();
  await writeFile(join(folder, NAME), key);
  await chmod(join(folder, NAME), 0o400);
  return folder;
}
const load = (options: FromFileOptions = { credential: NAME }) =>
  fromFile({ watch: false, ...options }).load(request());

describe('a credential of systemd', () => {
  it('is the file of its name in $CREDENTIALS_DIRECTORY, where each load looks for it', async () => {
    vi.stubEnv('CREDENTIALS_DIRECTORY', await credentialsFolder());
    const store = fromFile({ credential: NAME, watch: false });

    expect(text(await store.load(request()))).toBe(KEY);
    vi.stubEnv('CREDENTIALS_DIRECTORY', await credentialsFolder(`${KEY}-next`));
    expect(text(await store.load(request()))).toBe(`${KEY}-next`);
  });

  it.each([undefined, ''])(
    'is not found outside of a service (CREDENTIALS_DIRECTORY: %j), which the error says',
    async (folder) => {
      vi.stubEnv('CREDENTIALS_DIRECTORY', folder);

      expect(await failure(load())).toMatchObject({
        name: 'KeyNotFoundError',
        provider: 'file',
        message: expect.stringMatching(/CREDENTIALS_DIRECTORY is not set.*`LoadCredential=`/),
      });
    },
  );

  it('that the unit does not name is not found', async () => {
    vi.stubEnv('CREDENTIALS_DIRECTORY', await credentialsFolder());

    expect(await failure(load({ credential: 'another' }))).toMatchObject({ name: 'KeyNotFoundError' });
  });

  it('is watched in its folder, once there is one', async () => {
    vi.stubEnv('CREDENTIALS_DIRECTORY', '');
    const store = fromFile({ credential: NAME });
    const heard = vi.fn();
    await expect(store.subscribe?.(heard)).rejects.toMatchObject({ name: 'KeyNotFoundError' });
    const folder = await credentialsFolder();
    vi.stubEnv('CREDENTIALS_DIRECTORY', folder);
    const end = await store.subscribe?.(heard);

    await chmod(join(folder, NAME), 0o600);
    await writeFile(join(folder, NAME), `${KEY}-next`);

    await vi.waitFor(() => expect(heard).toHaveBeenCalledWith({}), { timeout: 10_000, interval: 5 });
    await end?.();
  });

  it.each(['../key', 'folder/key', 'folder\\key', '..', '.'])('has a name, not a path: %s is refused', (credential) => {
    expect(() => fromFile({ credential })).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARG_VALUE',
        message: expect.stringMatching(/`credential`.*not a path/),
      }),
    );
  });

  it('and a path exclude each other', () => {
    expect(() => fromFile({ path: '/run/secrets/key', credential: NAME } as never)).toThrow(/exclude each other/);
  });
});
