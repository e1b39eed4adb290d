// Preloaded into a program (`node --import`): writes what the loaders load, a line each, to the file GOLDKEY_RECORD.
import { appendFileSync } from 'node:fs';
import { createRequire, register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const record = process.env.GOLDKEY_RECORD;

if (isMainThread) {
  register(import.meta.url);
  // What came by `require` passes no hook on Node.js 20.
  process.on('exit', () => appendFileSync(record, Object.keys(createRequire(import.meta.url).cache).join('\n')));
}

/** The hook: this file is its own hooks module, in the thread of the hooks. */
export function load(url, context, next) {
  appendFileSync(record, `${url}\n`);
  return next(url, context);
}
