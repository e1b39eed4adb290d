import type { ChildProcess } from 'node:child_process';

/** Undoes something when this process ends: synchronously, the newest first. Returns how to do without. */
export function undoAtExit(undo: () => void): () => void;
/** Ends a child when this process ends. */
export function endWithProcess<Child extends ChildProcess>(child: Child): Child;
/** Makes a folder that is removed when this process ends, if it is there still. */
export function makeTempFolder(prefix: string, parent?: string): string;
