import { createHmac, randomBytes } from 'node:crypto';

/** What every key of part (a) begins with: where it shows, a key shows. */
export const SECRET = 'sk-invented/proof+=&01234';

/**
 * Makes the keys of a run: the same for the same seed, and each with characters that an encoding of URLs changes. All of them
 * begin with `shared`, so that one search of memory is for all. Who does not hold the seed cannot name them.
 */
export function keysOf(seed = randomBytes(16).toString('hex')) {
  const digest = (of) => createHmac('sha256', seed).update(of).digest('base64url');
  // Without a regular expression, whose last subject the engine keeps.
  const share = () => `${digest('shared').slice(0, 20)}+/=${digest('shared').slice(20)}`;
  return {
    keyOf: (number) => `${share()}${digest(String(number))}`,
    get shared() {
      return share();
    },
  };
}
