import { execFileSync } from 'node:child_process';
import { chmod, chown, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ClientClosedError, KeyedClient, type LoadRequest } from '../../../src/core/index.js';
import { fromFile } from '../../../src/providers/file/index.js';
import { KEY_FILE } from '../../../src/providers/file/read.js';
import { toFileError } from '../../../src/util/file-errors.js';
import { assertNoSecret } from '../../../src/testing/index.js';
import { failure, request, text } from '../loading.js';
import { folderFor, inMemory, SecretVolume } from '../secret-files.js';

const KEY = 'sk-invented/+&=0123456789';
const NEXT = 'sk-invented/next+&=9876543210';
const isOnDisk = !(await inMemory(tmpdir()));
const hasShm = await inMemory('/dev/shm');

async function keyFile(content: string | Uint8Array = KEY, mode = 0o600): Promise<string> {
  const path = join(await folderFor(), 'key');
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

const load = (path: string, more: Partial<LoadRequest> = {}) =>
  fromFile({ path, watch: false }).load(request(undefined, more));

/** What a client says of the file. */
async function clientFailure(path: string): Promise<unknown> {
  const client = new KeyedClient({ keyProvider: fromFile({ path, watch: false }), timeout: 5_000 });
  onTestFinished(() => client.close());
  return failure(client.withKey(async ({ apiKey }) => apiKey));
}

describe('a key in a file', () => {
  it('is handed over with the same version as long as the content is the same', async () => {
    const [one, other, another] = [await keyFile(), await keyFile(), await keyFile(NEXT)];

    const [first, second, third] = await Promise.all([load(one), load(other), load(another)]);

    expect([text(first), text(second), text(third)]).toEqual([KEY, KEY, NEXT]);
    expect(first?.version).toMatch(/^f-[\da-f]{16}$/);
    expect(second?.version).toBe(first?.version);
    expect(third?.version).not.toBe(first?.version);
  });

  it('is unchanged only when the file read just now is the one that is known', async () => {
    const path = await keyFile();
    const version = (await load(path))?.version ?? '';

    expect(await load(path, { known: ['f-0', version] })).toEqual({ unchanged: true, version });
    await writeFile(path, NEXT);
    expect(text(await load(path, { known: [version] }))).toBe(NEXT);
  });

  it('loses one trailing newline, which is told', async () => {
    const client = new KeyedClient({ keyProvider: fromFile({ path: await keyFile(`${KEY}\n`) }) });
    onTestFinished(() => client.close());
    const trimmed = vi.fn();
    client.on('trimmed', trimmed);

    expect(await client.withKey(async ({ apiKey }) => apiKey)).toBe(KEY);
    expect(trimmed).toHaveBeenCalledOnce();
  });

  it('has the stages that have a path; one that is missing, or empty, has no key', async () => {
    const path = await keyFile();
    const previousPath = await keyFile(NEXT);
    const provider = fromFile({ path, previousPath, pendingPath: await keyFile('') });
    const absent = fromFile({ path, previousPath: join(path, 'none') });

    expect(text(await provider.load(request(undefined, { stage: 'previous' })))).toBe(NEXT);
    expect(await provider.load(request(undefined, { stage: 'pending' }))).toBeUndefined();
    expect(await absent.load(request(undefined, { stage: 'previous' }))).toBeUndefined();
    expect(await absent.load(request(undefined, { stage: 'pending' }))).toBeUndefined();
    expect(await provider.rollout?.(request())).toEqual({ id: '', pendingPercent: 0 });
    expect([absent.rollout, provider.plaintextAtRest]).toEqual([undefined, true]);
  });

  it('in a Kubernetes volume is the kubelet’s to protect, and follows a swap of `..data`', async () => {
    const volume = new SecretVolume(await folderFor());
    await volume.write({ key: KEY });
    const before = await load(volume.pathOf('key'));
    await volume.write({ key: NEXT });

    expect([text(before), text(await load(volume.pathOf('key')))]).toEqual([KEY, NEXT]);
  });

  it.skipIf(!hasShm)('in memory (tmpfs) may be readable by others, as Docker mounts it', async () => {
    const path = join(await folderFor('/dev/shm'), 'key');
    await writeFile(path, KEY);
    await chmod(path, 0o444);

    expect(text(await load(path))).toBe(KEY);
  });

  it('that is being rewritten in place is read again: an empty moment is no empty key', async () => {
    const path = await keyFile('');
    const waited = request({
      now: () => 1,
      monotonic: () => 1,
      setTimeout(callback) {
        void writeFile(path, KEY).then(callback);
        return { cancel: () => undefined };
      },
    });

    expect(text(await fromFile({ path }).load(waited))).toBe(KEY);
  });

  it('ends a load whose signal aborts', async () => {
    const path = await keyFile();
    const aborting = new AbortController();
    const loading = load(path, { signal: aborting.signal });
    aborting.abort(new ClientClosedError('closed'));

    expect(await failure(loading)).toMatchObject({ code: 'ERR_GOLDKEY_CLOSED' });
    expect(await failure(load(path, { signal: aborting.signal }))).toMatchObject({ code: 'ERR_GOLDKEY_CLOSED' });
  });
});

describe('what a file that is no key leads to', () => {
  const folder = (name: string) => async () => join(await folderFor(), name);
  it.each([
    ['no file', folder('key'), 'ERR_GOLDKEY_NOT_FOUND', 'does not exist; check `path`'],
    ['no folder', folder('none/key'), 'ERR_GOLDKEY_NOT_FOUND', 'does not exist; check `path`'],
    [
      'a file for a folder',
      async () => join(await keyFile(), 'key'),
      'ERR_GOLDKEY_NOT_FOUND',
      'does not exist; check `path`',
    ],
    ['a folder', folderFor, 'ERR_GOLDKEY_ACCESS_DENIED', 'not a regular file'],
    ['a device', async () => '/dev/null', 'ERR_GOLDKEY_ACCESS_DENIED', 'not a regular file'],
    ['a pipe nobody writes to', pipe, 'ERR_GOLDKEY_ACCESS_DENIED', 'not a regular file'],
    ['links in a circle', circle, 'ERR_GOLDKEY_NOT_FOUND', 'ELOOP'],
    ['an empty file', () => keyFile(''), 'ERR_GOLDKEY_FORMAT', 'empty'],
    ['only a newline', () => keyFile('\n'), 'ERR_GOLDKEY_FORMAT', 'empty'],
    ['a short key', () => keyFile('short'), 'ERR_GOLDKEY_FORMAT', 'only 5 characters'],
    [
      '5 MB',
      () => keyFile(Buffer.alloc(5_000_000, KEY)),
      'ERR_GOLDKEY_FORMAT',
      'has 5000000 bytes, more than the limit of 4096 (`maxSize`)',
    ],
    ['two lines', () => keyFile(`${KEY}\n${KEY}\n`), 'ERR_GOLDKEY_FORMAT', 'white space (0x0a) at position 25'],
    ['binary', () => keyFile(Uint8Array.from({ length: 32 }, () => 0x80)), 'ERR_GOLDKEY_FORMAT', 'non-ASCII'],
    ['a UTF-16 text', () => keyFile(Buffer.from(KEY, 'utf16le')), 'ERR_GOLDKEY_FORMAT', 'control character'],
  ])('%s', async (_, make, code, says) => {
    const path = await make();

    const error = await clientFailure(path);

    expect(error).toMatchObject({ code, retryable: false, provider: 'file' });
    expect((error as Error).message).toContain(says);
    assertNoSecret(error, KEY);
  });

  it.skipIf(!isOnDisk)('a file that others may read, on a disk', async () => {
    const error = await failure(load(await keyFile(KEY, 0o640)));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED', retryable: false });
    expect((error as Error).message).toMatch(/has mode 0640.*chmod 600 '/);
    assertNoSecret(error, KEY);
  });

  it.skipIf(!isOnDisk || process.getuid?.() !== 0)('a file of another user, on a disk', async () => {
    const path = await keyFile();
    await chown(path, 12_345, 0);

    expect(String(await failure(load(path)))).toMatch(/belongs to another user \(uid 12345, .*chown 0 '/);
  });

  it.each([
    ['ENOENT', 'ERR_GOLDKEY_NOT_FOUND', false],
    ['ENOTDIR', 'ERR_GOLDKEY_NOT_FOUND', false],
    ['ELOOP', 'ERR_GOLDKEY_NOT_FOUND', false],
    ['ENAMETOOLONG', 'ERR_GOLDKEY_NOT_FOUND', false],
    ['EACCES', 'ERR_GOLDKEY_ACCESS_DENIED', false],
    ['EPERM', 'ERR_GOLDKEY_ACCESS_DENIED', false],
    ['EIO', 'ERR_GOLDKEY_PROVIDER', true],
    ['ESTALE', 'ERR_GOLDKEY_PROVIDER', true],
    ['EMFILE', 'ERR_GOLDKEY_PROVIDER', true],
    [undefined, 'ERR_GOLDKEY_PROVIDER', true],
  ])('the file system says %s: %s', (code, expected, retryable) => {
    const error = toFileError('/run/secrets/key', Object.assign(new Error('x'), { code }), KEY_FILE);

    expect(error).toMatchObject({ code: expected, retryable, provider: 'file' });
    expect(error.message).toContain('/run/secrets/key');
  });
});

describe('the options of fromFile', () => {
  it.each([
    [{}, TypeError, '`path`'],
    [{ path: '' }, TypeError, '`path`'],
    [{ path: 1 }, TypeError, '`path`'],
    [{ path: 'a', pending: 'b' }, TypeError, 'did you mean `pendingPath`'],
    [{ path: 'a', previousPath: 1 }, TypeError, '`previousPath`'],
    [{ path: 'a', maxSize: 0 }, RangeError, '`maxSize`'],
    [{ path: 'a', maxSize: 2_000_000 }, RangeError, '`maxSize`'],
    [{ path: 'a', watch: 'yes' }, TypeError, '`watch`'],
    ['a', TypeError, 'options object'],
  ])('%j are refused at once', (options, type, says) => {
    const make = (): unknown => fromFile(options as never);

    expect(make).toThrow(type);
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
    expect(make).toThrow(says);
  });
});

describe('the notices of key files', () => {
  it('come for each of the paths, and not when they are turned off', async () => {
    const [path, pendingPath] = [await keyFile(), await keyFile()];
    const heard = vi.fn();
    const end = await fromFile({ path, pendingPath }).subscribe?.(heard);
    onTestFinished(() => end?.());

    await writeFile(pendingPath, NEXT);

    await vi.waitFor(() => expect(heard).toHaveBeenCalledWith({}), { timeout: 10_000, interval: 5 });
    expect(fromFile({ path, watch: false }).subscribe).toBeUndefined();
  });

  it('cannot be had while a folder is missing; what was begun is ended', async () => {
    const path = await keyFile();
    const provider = fromFile({ path, previousPath: join(path, '..', 'none', 'key') });

    expect(await failure(Promise.resolve(provider.subscribe?.(() => undefined)))).toMatchObject({ code: 'ENOENT' });
  });
});

async function pipe(): Promise<string> {
  const path = join(await folderFor(), 'key');
  execFileSync('mkfifo', [path]);
  return path;
}

async function circle(): Promise<string> {
  const path = join(await folderFor(), 'key');
  await symlink('key', path);
  return path;
}
