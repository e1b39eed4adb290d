const PREFIXED = /^(\d+):([^]*)$/;

/**
 * Returns the chain's name for a store's version or rollout: two stores may both call theirs `3`. Names of the first
 * store stay as they are, the second store's become `2:3`.
 */
export function formatChainName(index: number, name: string): string {
  return index === 0 && !PREFIXED.test(name) ? name : `${String(index + 1)}:${name}`;
}

/** Returns the index of the store that a chain's name belongs to, and the store's name for it. */
export function parseChainName(chainName: string): { index: number; name: string } {
  const [, position, name] = PREFIXED.exec(chainName) ?? [];
  return position === undefined || name === undefined
    ? { index: 0, name: chainName }
    : { index: Number(position) - 1, name };
}
