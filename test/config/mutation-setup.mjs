import { beforeEach } from 'vitest';
import { slowTests } from './mutation.mjs';

beforeEach(({ task, skip }) => {
  const name = `${task.suite?.name ?? ''} ${task.name}`;
  skip(
    slowTests.some((slow) => name.includes(slow)),
    'too long to be repeated for every mutant',
  );
});
