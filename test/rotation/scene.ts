import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { KeyCipher } from '../../src/index.js';
import { createMasterKey, localCipher } from '../../src/providers/local/index.js';
import { fileRing, KeyRotationManager, type RingStore } from '../../src/rotation/index.js';
import type { RotationOptions } from '../../src/rotation/ring/types.js';
import { manualClock, type ManualClock } from '../../src/testing/index.js';

export const NAME = 'gold';
export const CONTEXT = { service: 'gold-data-stream' };
export const START = Date.parse('2026-11-22T12:00:00.000Z');
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** A ring in a folder of its own, under a real master key. */
export interface RingScene {
  readonly folder: string;
  /** The ring's file. */
  readonly path: string;
  readonly masterKeyFile: string;
  readonly cipher: KeyCipher;
  readonly clock: ManualClock;
  readonly store: RingStore;
  /** A manager as another host would have it. */
  manager(options?: Partial<RotationOptions>): KeyRotationManager;
}

/** Sets it up, and takes it away when the test has ended. */
export async function ringScene(): Promise<RingScene> {
  const folder = await mkdtemp(join(tmpdir(), 'goldkey-ring-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const masterKeyFile = join(folder, 'master.key');
  await createMasterKey(masterKeyFile);
  const cipher = localCipher({ masterKeyFile, encryptionContext: CONTEXT });
  const clock = manualClock(START);
  const path = join(folder, 'gold.ring.json');
  return {
    folder,
    path,
    masterKeyFile,
    cipher,
    clock,
    store: fileRing(path),
    manager: (options = {}) => new KeyRotationManager({ ring: fileRing(path), name: NAME, cipher, clock, ...options }),
  };
}

/** Hears what a channel tells, until the test has ended. */
export function heardOn<T>(name: string): T[] {
  const heard: T[] = [];
  const listener = (message: unknown): void => void heard.push(message as T);
  subscribe(name, listener);
  onTestFinished(() => void unsubscribe(name, listener));
  return heard;
}
