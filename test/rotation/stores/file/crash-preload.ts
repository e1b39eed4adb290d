// Kills its process with SIGKILL right after the n-th file-system operation that changes something (GOLDKEY_KILL_AFTER;
// 0: never), and prints how many there were when it was not. With GOLDKEY_LINK_ERROR the file system has no hard links: the
// code is that of each attempt.
import fs from 'node:fs';
import { writeSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const killAfter = Number(process.env['GOLDKEY_KILL_AFTER'] ?? 0);
let count = 0;

function changed(): void {
  count++;
  if (count === killAfter) process.kill(process.pid, 'SIGKILL');
}

type Any = (...args: unknown[]) => unknown;
const sync = fs as unknown as Record<string, Any>;
const linkError = process.env['GOLDKEY_LINK_ERROR'] ?? '';
if (linkError !== '') {
  const createError = (): Error => Object.assign(new Error(`${linkError}: link`), { code: linkError });
  sync['linkSync'] = () => {
    throw createError();
  };
  fs.promises.link = () => Promise.reject(createError());
}
for (const name of ['linkSync', 'renameSync', 'unlinkSync', 'writeFileSync', 'appendFileSync', 'rmSync', 'writeSync']) {
  const original = sync[name] as Any;
  sync[name] = (...args) => {
    const result = original.apply(fs, args);
    // What is printed is no change.
    if (!(name === 'writeSync' && typeof args[0] === 'number' && args[0] < 3)) changed();
    return result;
  };
}
const openSync = sync['openSync'] as Any;
sync['openSync'] = (...args) => {
  const result = openSync.apply(fs, args);
  if (typeof args[1] === 'string' && args[1] !== 'r') changed();
  return result;
};
const later = fs.promises as unknown as Record<string, Any>;
for (const name of ['link', 'rename', 'unlink', 'writeFile', 'rm']) {
  const original = later[name] as Any;
  later[name] = async (...args) => {
    const result = await original.apply(fs.promises, args);
    changed();
    return result;
  };
}
const open = later['open'] as Any;
later['open'] = async (...args) => {
  const handle = (await open.apply(fs.promises, args)) as Record<string, Any>;
  if (typeof args[1] === 'string' && args[1] !== 'r') {
    changed();
    for (const name of ['writeFile', 'write', 'chmod', 'sync', 'close']) {
      const original = handle[name] as Any;
      handle[name] = async (...rest) => {
        const result = await original.apply(handle, rest);
        changed();
        return result;
      };
    }
  }
  return handle;
};
syncBuiltinESMExports();
process.on('exit', () => writeSync(2, `operations ${String(count)}\n`));
