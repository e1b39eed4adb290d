import { cp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * What a fault would look like in the code that is published: its name, what stands there, white space aside, what in its
 * place, and which of the parts must find it, by what they then say. `isInMemory`: only a search of its memory shows it.
 */
export const FAULTS = [
  {
    name: 'a refused call is not repaired',
    text: 'call.client.options.isKeyRejected??isUnauthorized',
    broken: '()=>false',
    found: { a: /lost at/, c: /calls that failed/ },
  },
  {
    name: 'an evicted key is kept',
    text: 'evict(reason){this.#state.cache.evict(reason)',
    broken: 'evict(reason){',
    found: { a: /used after evict/ },
  },
  {
    name: 'what the store gave is not zeroed',
    text: 'zeroAnswer(answer.key)',
    broken: 'void 0',
    found: { a: /were not zeroed/, b: /d: fromKmsLight: forms of a key/, c: /d: \w+: forms of a key/ },
  },
  {
    name: 'a key is served for ever',
    text: 'Math.min(expiresAt+staleIfError,',
    broken: 'Math.min(Infinity,',
    found: { a: /ms after its load/ },
  },
  {
    name: 'a key is not served any longer while the store is down',
    text: 'Math.min(expiresAt+staleIfError,',
    broken: 'Math.min(expiresAt,',
    found: { b: /calls that failed while only KMS/, c: /calls that failed/ },
  },
  {
    name: 'loads follow one another without a pause',
    text: 'lastError:error,retryAt:now+pause',
    broken: 'lastError:error,retryAt:now',
    found: { a: /that nothing asked for/, b: /loads within the pause/ },
  },
  {
    name: 'keys stay in errors',
    text: 'if(secrets.length===0&&gone.length===0)return value;',
    broken: 'return value;',
    found: { a: /the key in an error/ },
  },
  {
    name: 'closing forgets no key',
    text: 'this.loader.close(),this.keys.clear()',
    broken: 'this.loader.close()',
    found: { a: /d: forms of a key/ },
    isInMemory: true,
  },
];

/** Copies the package, built, and its proof into `folder`, with a fault in it. Resolves to in how many files it was put. */
export async function copyBroken({ text, broken }, folder) {
  for (const part of [
    'dist',
    'package.json',
    'test/programs',
    'test/proof',
    'test/servers',
    'test/integration',
    'test/bench/lib',
  ])
    await cp(join(ROOT, part), join(folder, part), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const tokens = Array.from(text, (char) => char.replace(/[^\w\s]/, '\\$&')).join('\\s*');
  const shared = join(folder, 'dist/esm/shared');
  let changed = 0;
  for (const file of await readdir(shared)) {
    const code = await readFile(join(shared, file), 'utf8');
    const other = code.replace(new RegExp(tokens), broken);
    if (other !== code) changed++;
    await writeFile(join(shared, file), other);
  }
  return changed;
}
