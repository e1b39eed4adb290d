import { setTimeout as sleep } from 'node:timers/promises';

const LATENCY_MS = 120;

function name(number) {
  return `gk_live_${String(number).padStart(16, '0')}`;
}

/**
 * A key store that takes 120 ms for an answer. `distinct` gives every load a key of its own, so that a call shows which
 * load its key came from.
 */
export function createStore({ distinct = false } = {}) {
  const loads = [];
  const ends = new Map();
  let ended = 0;
  let sequence = 1;
  const store = {
    /** What is down now fails, after as long as an answer takes. */
    down: false,
    loads,
    get key() {
      return name(sequence);
    },
    get ended() {
      return ended;
    },
    endedAt: (key) => ends.get(key) ?? -Infinity,
    rotate() {
      sequence++;
      return name(sequence);
    },
    async load() {
      const entry = { started: performance.now(), ended: Infinity, error: store.down };
      loads.push(entry);
      const key = name(sequence);
      if (distinct) sequence++;
      await sleep(LATENCY_MS);
      entry.ended = performance.now();
      ended++;
      ends.set(key, entry.ended);
      if (entry.error) throw Object.assign(new Error('the store is down'), { code: 'ECONNREFUSED' });
      return key;
    },
  };
  return store;
}
