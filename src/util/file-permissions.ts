import type { Stats } from 'node:fs';

/**
 * What is wrong with a file that has to be its reader's alone, and how to mend it; nothing where it is. Windows has neither
 * owners nor modes that Node.js could read; its access lists are left to their own devices.
 */
export function whyNotOwn(path: string, { uid, mode }: Stats): string | undefined {
  const self = process.getuid?.();
  if (self === undefined) return undefined;
  if (uid !== self) {
    return `belongs to another user (uid ${String(uid)}, this process runs as ${String(self)}); have it owned by this one: chown ${String(self)} '${path}' && chmod 600 '${path}'`;
  }
  if ((mode & 0o077) === 0) return undefined;
  return `has mode 0${(mode & 0o777).toString(8)}, so that others can get at it; close it: chmod 600 '${path}'`;
}
