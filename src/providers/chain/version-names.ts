const NUMBERED = /^(\d+):([^]*)$/;

/**
 * A name that one store of a chain gave (a version, a rollout's id) as the chain's own: two stores may both call theirs
 * `3`. The first store's stay as they are, the second's become `2:3`.
 */
export function nameInChain(index: number, name: string): string {
  return index === 0 && !NUMBERED.test(name) ? name : `${String(index + 1)}:${name}`;
}

/** Which store gave a name, and as what. */
export function nameOfStore(name: string): { index: number; name: string } {
  const [, number, own] = NUMBERED.exec(name) ?? [];
  return number === undefined || own === undefined ? { index: 0, name } : { index: Number(number) - 1, name: own };
}
