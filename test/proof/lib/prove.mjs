import { Claims } from './claims.mjs';

/**
 * Tries parts one after the other: `tryPart` is given a part and its `Claims`. Resolves to all that they have claimed, also
 * before one of them failed, which is a claim that does not hold.
 */
export async function prove(parts, tryPart) {
  const all = [];
  for (const part of parts) {
    const startedAt = performance.now();
    const claims = new Claims(part);
    try {
      await tryPart(part, claims);
    } catch (error) {
      process.stderr.write(`${String(error?.stack ?? error)}\n`);
      claims.add('came to its end', error, false);
    }
    process.stderr.write(`Part ${part} took ${((performance.now() - startedAt) / 1_000).toFixed(0)} s.\n`);
    all.push(...claims.list);
  }
  return all;
}
