/** How long a caller who has a usable key waits for a better one, in ms. */
export const SHORT_WAIT = 250;
/** Loads that follow `evict()`, and those of `reload()`, start at most this often, in ms. */
export const ASK_EVERY = 1_000;
/** A wall clock that steps back by more than this, in ms, expires every key. */
export const STEP_BACK = 1_000;
/** At most one background load per this many ms, or a quarter of the key's life. */
export const BACKGROUND_EVERY = 1_000;
/** A failed load is not repeated for a window that doubles from the first to the last, in ms. */
export const BACKOFF_FIRST = 1_000;
export const BACKOFF_LAST = 30_000;
/** The pause between forced reloads: after one that changed the key, and after the first that did not, in ms. */
export const COOLDOWN_CHANGED = 1_000;
export const COOLDOWN_FIRST = 5_000;
/** Notices of a change within this many ms become one load. */
export const NOTICE_SPREAD = 1_000;
/** A failed subscription is tried again after the first pause, at most after the last, in ms. */
export const LISTEN_AGAIN_FIRST = 1_000;
export const LISTEN_AGAIN_LAST = 30_000;
/** How often a call may run its function again with another key. */
export const MAX_REPEATS = 2;
/** A canary is left when this many of its last calls were refused. */
export const CANARY_REFUSALS = 3;
export const CANARY_WINDOW = 20;
