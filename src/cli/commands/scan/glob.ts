/**
 * Returns whether a glob matches all of a text: `*` stands for any characters but slashes, `?` for one, `**` for any, and
 * a double star with a slash for any folders or none. Both are strings of bytes. Uses no regular expression, because a name
 * may hold a key.
 */
export function matchGlob(glob: string, text: string): boolean {
  let states = new Set<number>();
  addState(glob, 0, states);
  for (const char of text) {
    const next = new Set<number>();
    for (const state of states) {
      const isStar = glob[state] === '*';
      const isAny = isStar && glob[state + 1] === '*';
      if (isStar && (isAny || char !== '/')) addState(glob, state, next);
      else if (!isStar && (glob[state] === char || (glob[state] === '?' && char !== '/')))
        addState(glob, state + 1, next);
    }
    states = next;
  }
  return states.has(glob.length);
}

/** Adds a place in a glob, and those that it leads to without a character. */
function addState(glob: string, state: number, states: Set<number>): void {
  states.add(state);
  if (glob[state] !== '*') return;
  const after = glob[state + 1] === '*' ? state + 2 : state + 1;
  addState(glob, after, states);
  if (after === state + 2 && glob[after] === '/') addState(glob, after + 1, states);
}
