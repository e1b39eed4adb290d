import { scrub } from '../core/index.js';

/** Credentials that were in use last and are still recognised. */
const MAX_RECENT = 16;
/** Shorter texts are not recognised: their encodings would be found everywhere. */
const MIN_LENGTH = 8;

/** Removes the credentials that a connection used last from its errors. */
export class RecentCredentials {
  readonly #recent = new Set<string>();

  /** Recognises these credentials from now on. Those used longest ago are forgotten. */
  remember(...credentials: readonly unknown[]): void {
    for (const credential of credentials) {
      if (typeof credential !== 'string' || credential.length < MIN_LENGTH) continue;
      this.#recent.delete(credential);
      this.#recent.add(credential);
    }
    for (const oldest of this.#recent) {
      if (this.#recent.size <= MAX_RECENT) break;
      this.#recent.delete(oldest);
    }
  }

  /** Returns the error without credentials, its causes included, in every usual form. `more` are removed as well. */
  scrub<E>(error: E, more: Iterable<string> = []): E {
    return scrub(error, [...this.#recent, ...more]) as E;
  }
}
