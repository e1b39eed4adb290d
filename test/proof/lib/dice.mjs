// Chance, by a seed.

/** Numbers from 0 to below 1, the same for the same seed. */
export function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What a day asks of chance. */
export function diceOf(seed) {
  const random = randomOf(seed);
  const below = (count) => Math.floor(random() * count);
  return {
    fraction: random,
    below,
    chance: (share) => random() < share,
    oneOf: (list) => list[below(list.length)],
    /** Draws without putting back: everything has its turn before anything comes again. */
    deckOf(list) {
      let deck = [];
      return () => {
        if (deck.length === 0) deck = [...list];
        return deck.splice(below(deck.length), 1)[0];
      };
    },
  };
}
