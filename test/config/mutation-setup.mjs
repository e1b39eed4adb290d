import { beforeEach, inject, vi } from 'vitest';
import { slowTests } from './mutation.mjs';

// Modules outlive a run here. A mutant of what a module computes as it is loaded is there only if the module is loaded
// under it, and must be gone in the next run.
const loadedUnder = inject('mutantActivation') === 'static' ? inject('activeMutant') : undefined;
if (globalThis.goldkeyLoadedUnder !== loadedUnder) vi.resetModules();
globalThis.goldkeyLoadedUnder = loadedUnder;

beforeEach(({ task, skip }) => {
  const name = `${task.suite?.name ?? ''} ${task.name}`;
  skip(
    slowTests.some((slow) => name.includes(slow)),
    'too long to be repeated for every mutant',
  );
});
