import { CleanCopier, needsChange } from './clean-copy.js';
import type { GoneForm } from './gone-keys.js';
import { SecretGraph } from './object-graph.js';
import { isObject } from './object-kind.js';
import { cleanPrimitive } from './primitives.js';
import { SearchBudget } from './search-budget.js';
import { SecretMatcher } from './secret-matcher.js';

/**
 * Returns the error that leaves a call: `thrown` without the keys. Only the errors of the chain (`cause`, AggregateError)
 * are changed in place. Any other value on them that holds a key is replaced by a copy, because the original may be the
 * caller's live configuration, or another caller's queued request.
 */
export function scrub(thrown: unknown, secrets: readonly string[], gone: readonly GoneForm[] = []): unknown {
  return clean(thrown, secrets, gone, true);
}

/** Returns a copy of `value` without the keys, or `value` itself if it holds none. Changes nothing. */
export function redactValue<T>(value: T, secrets: readonly string[], gone: readonly GoneForm[] = []): T {
  return clean(value, secrets, gone, false) as T;
}

function clean(value: unknown, secrets: readonly string[], gone: readonly GoneForm[], inPlace: boolean): unknown {
  if (secrets.length === 0 && gone.length === 0) return value;
  const budget = new SearchBudget();
  const text = new SecretMatcher(secrets, gone, budget);
  try {
    return isObject(value) ? cleanObject(value, text, budget, inPlace) : cleanPrimitive(value, text, budget);
  } finally {
    text.clear();
  }
}

function cleanObject(value: object, text: SecretMatcher, budget: SearchBudget, inPlace: boolean): unknown {
  const graph = new SecretGraph(value, text, budget, inPlace);
  const { root } = graph;
  // A live object that was thrown, such as a fetch Response, stays usable if its readable properties hold no key.
  const { kind, entries } = root;
  if (kind === 'opaque' && entries.length > 0 && !entries.some(needsChange)) return value;
  const copier = new CleanCopier(graph, budget);
  if (inPlace) {
    changeErrors(graph, copier);
    // Only now: what the methods of an error print is most often made of what was changed.
    graph.searchPrinted();
    changeErrors(graph, copier);
  }
  const left = root.tainted && !root.inPlace ? copier.copy(root) : value;
  copier.mendPrinting();
  return left;
}

function changeErrors(graph: SecretGraph, copier: CleanCopier): void {
  replaceUnchangeableErrors(graph, copier);
  for (const node of graph.nodes.values()) {
    if (!node.inPlace || !node.tainted || node.isChanged) continue;
    copier.changeInPlace(node);
    node.isChanged = true;
  }
}

/** Marks errors that cannot be changed to be copied, and with them every error that holds one. */
function replaceUnchangeableErrors(graph: SecretGraph, copier: CleanCopier): void {
  const queue = new Set(graph.nodes.values());
  for (const node of queue) {
    if (!node.inPlace || !node.tainted || node.isChanged || copier.canChange(node)) continue;
    node.inPlace = false;
    // Before it is copied, because what its methods print is not made of what is changed.
    graph.searchPrinted([node]);
    node.tainted = false;
    graph.taint(node);
    for (const parent of node.parents) {
      parent.isChanged = false;
      // Last, and once, however many errors it holds.
      queue.delete(parent);
      queue.add(parent);
    }
  }
}
