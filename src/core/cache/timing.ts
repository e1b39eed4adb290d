/** Longest wait of a caller who has a usable key for a fresher one, in ms. */
export const FRESHER_KEY_WAIT_MS = 250;
/** Shortest interval between loads that follow `evict()`, and between those of `reload()`, in ms. */
export const MIN_RELOAD_INTERVAL_MS = 1_000;
/** Shortest interval between background loads, in ms; a quarter of the key's life if that is longer. */
export const MIN_BACKGROUND_INTERVAL_MS = 1_000;
/** First and longest back-off after failed loads, in ms; it doubles in between. */
export const BACKOFF_FIRST_MS = 1_000;
export const BACKOFF_LAST_MS = 30_000;
/** Cooldown after a forced load that changed the key, and after the first that did not, in ms. */
export const COOLDOWN_CHANGED_MS = 1_000;
export const COOLDOWN_FIRST_MS = 5_000;
/** Window in which change notices are answered by one load, in ms. */
export const NOTICE_SPREAD_MS = 1_000;
/** First and longest pause before a failed subscription is tried again, in ms. */
export const RESUBSCRIBE_FIRST_MS = 1_000;
export const RESUBSCRIBE_LAST_MS = 30_000;
/** Number of times that a call may run its function again with another key. */
export const MAX_REPEATS = 2;
/** Number of refusals among the last calls of a canary that ends it, and how many calls are looked at. */
export const CANARY_REFUSALS = 3;
export const CANARY_WINDOW = 20;
