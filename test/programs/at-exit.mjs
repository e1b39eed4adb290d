// What a program or a test has started and made, and what must not outlive it: it is undone when the process ends, also by a
// signal, or by the end of the process that it works for. Only where it is killed at once nothing can be done.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const undoings = new Set();

/** Undoes something when this process ends: synchronously, the newest first. Returns how to do without. */
export function undoAtExit(undo) {
  if (undoings.size === 0) listen();
  undoings.add(undo);
  return () => {
    undoings.delete(undo);
    if (undoings.size === 0) stopListening();
  };
}

/** Ends a child when this process ends. */
export function endWithProcess(child) {
  child.once(
    'exit',
    undoAtExit(() => child.kill()),
  );
  return child;
}

/** Makes a folder that is removed when this process ends, if it is there still. */
export function makeTempFolder(prefix, parent = tmpdir()) {
  let folder;
  // Before there is one: a signal may come at any moment, and is then heard after this function.
  undoAtExit(() => folder && rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  folder = mkdtempSync(join(parent, prefix));
  return folder;
}

function undoAll() {
  for (const undo of [...undoings].toReversed()) {
    try {
      undo();
    } catch {
      // The others are to be undone all the same.
    }
  }
  undoings.clear();
}

function endBy(signal) {
  undoAll();
  stopListening();
  // Now it does what it would have done.
  process.kill(process.pid, signal);
}

const endWithParent = () => endBy('SIGTERM');

function listen() {
  process.on('exit', undoAll);
  for (const signal of SIGNALS) process.on(signal, endBy);
  // A worker of Vitest, which may not call process.exit().
  if (process.send !== undefined) process.on('disconnect', endWithParent);
}

function stopListening() {
  process.off('exit', undoAll);
  for (const signal of SIGNALS) process.off(signal, endBy);
  process.off('disconnect', endWithParent);
}
