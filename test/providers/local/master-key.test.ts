import { describe, expect, it } from 'vitest';
import { ClientClosedError } from '../../../src/core/index.js';
import { MASTER_KEY_FILE } from '../../../src/providers/local/master-key.js';
import { toFileError } from '../../../src/util/file-errors.js';

describe('what the file system says of a master-key file', () => {
  it.each([
    ['ENOENT', 'ERR_GOLDKEY_NOT_FOUND', false, /createMasterKey/],
    ['ENOTDIR', 'ERR_GOLDKEY_NOT_FOUND', false, /createMasterKey/],
    ['ELOOP', 'ERR_GOLDKEY_ACCESS_DENIED', false, /symbolic link/],
    ['EACCES', 'ERR_GOLDKEY_ACCESS_DENIED', false, /chmod 600 'm.key'/],
    ['EPERM', 'ERR_GOLDKEY_ACCESS_DENIED', false, /chmod 600 'm.key'/],
    ['EIO', 'ERR_GOLDKEY_PROVIDER', true, /\(EIO\)/],
    ['EMFILE', 'ERR_GOLDKEY_PROVIDER', true, /\(EMFILE\)/],
    [undefined, 'ERR_GOLDKEY_PROVIDER', true, /\(unknown\)/],
  ])('maps %s to %s', (code, expected, retryable, says) => {
    const cause = Object.assign(new Error('x'), { code });

    const error = toFileError('m.key', cause, MASTER_KEY_FILE);

    expect(error).toMatchObject({ code: expected, retryable, provider: 'local' });
    expect(error.message).toMatch(says);
  });

  it('lets an error of goldkey through', () => {
    const error = new ClientClosedError('closed');
    expect(toFileError('m.key', error, MASTER_KEY_FILE)).toBe(error);
  });
});
