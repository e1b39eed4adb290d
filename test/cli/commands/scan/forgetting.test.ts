import { expect, it, vi } from 'vitest';
import { AnchorTable } from '../../../../src/cli/commands/scan/anchors.js';
import type { KeyForm } from '../../../../src/cli/commands/scan/encodings.js';
import { KeyMatcher } from '../../../../src/cli/commands/scan/matcher.js';

it('a matcher that is cleared has zeroed every form of its keys, and the words by which they were found', () => {
  const addForm = vi.spyOn(AnchorTable.prototype, 'addForm');
  const matcher = new KeyMatcher([Buffer.from('sk-invented/+&=0123456789')]);
  const forms = addForm.mock.calls.map(([form]: [KeyForm, number]) => form);
  const [table] = addForm.mock.contexts as AnchorTable[];
  const left = (): number[] => [...forms.flatMap(({ codes }) => [...codes]), ...(table?.anchors ?? [])].filter(Boolean);
  const before = left().length;

  matcher.clear();

  expect(forms.length).toBeGreaterThan(10);
  expect(before).toBeGreaterThan(1_000);
  expect(left()).toEqual([]);
});
