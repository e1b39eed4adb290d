import type { ClientState } from '../state/client-state.js';
import { KeyRejectedError, type GoldKeyError } from '../errors.js';
import { otherStages } from './select-key.js';
import { CachedKey } from '../cache/cached-key.js';
import { MAX_REPEATS } from '../cache/timing.js';
import type { StageState } from '../cache/stage-state.js';
import type { Outcome } from '../types.js';

/** What one call has gone through, from its first refusal on. */
export class RejectedKeys {
  readonly #core: ClientState;
  /** The digests refused in this call: never sent again by it. */
  readonly #refused: string[] = [];
  readonly #reloaded = new Set<StageState>();
  /** The stages whose keys were refused. */
  readonly #used = new Set<StageState>();
  /** The key refused first. */
  #first: CachedKey | undefined;
  #pendingRefused: CachedKey | undefined;
  #loadError: GoldKeyError | undefined;
  #repeats = 0;

  constructor(core: ClientState) {
    this.#core = core;
  }

  /** The price API refused `record`. Resolves to the key to run the function again with, if there is one. */
  async next(record: CachedKey, once: boolean): Promise<CachedKey | undefined> {
    const core = this.#core;
    const { cache, shelf } = core;
    const slot = shelf.slot(record.stage);
    core.rejections++;
    core.emit('key-rejected', record, {});
    this.#first ??= record;
    this.#refused.push(record.digest);
    this.#used.add(slot);
    if (slot.stage === 'pending') this.#pendingRefused ??= record;
    if (once) {
      // This call is over, but the key is asked for again: the next call should not meet the same refusal.
      const newer = slot.record !== undefined && slot.record.digest !== record.digest;
      if (slot.stage !== 'pending' && !newer && this.#mayReload(slot)) cache.begin(slot, 'refusal', true);
      return undefined;
    }
    if (this.#repeats >= MAX_REPEATS) return undefined;
    this.#repeats++;
    const replaced = slot.stage === 'pending' ? undefined : await this.#replacement(slot, record);
    if (replaced !== undefined) return replaced;
    if (this.#loadError?.retryable === true) return undefined;
    return this.elsewhere(record);
  }

  /** A key of another stage that this call has not been refused with. */
  async elsewhere({ stage }: CachedKey): Promise<CachedKey | undefined> {
    const core = this.#core;
    for (const other of otherStages(core, core.shelf.slot(stage))) {
      const found = await core.cache.obtain(other);
      if (found instanceof CachedKey && !this.has(found)) return found;
    }
    return undefined;
  }

  /** A run succeeded with `record`. */
  succeeded(record: CachedKey): void {
    const core = this.#core;
    noteSuccess(core, record);
    const first = this.#first;
    if (first === undefined) return;
    core.repairs++;
    // The stage that works needs no other; the refused one prefers it until its next load.
    core.shelf.slot(record.stage).preferred = undefined;
    const slot = core.shelf.slot(first.stage);
    const refused = this.#refused.some((digest) => digest === slot.digest);
    if (record.stage !== first.stage && first.stage !== 'pending' && refused) {
      slot.preferred = core.shelf.slot(record.stage);
      if (slot.record !== undefined) slot.record.warmUntil = 0;
    }
    if (this.#pendingRefused !== undefined && record.stage === 'current') {
      noteCanary(core, this.#pendingRefused, true);
    }
    core.emit('repaired', record, { from: first.version });
  }

  /** Whether this call has been refused with these bytes. */
  has(record: CachedKey): boolean {
    return this.#refused.includes(record.digest);
  }

  /** What the caller gets when no key is left to try. */
  error(outcome: Outcome): KeyRejectedError {
    const { options, shelf } = this.#core;
    const version = this.#first?.version;
    const mono = options.clock.monotonic();
    const moments = [shelf.current, ...this.#used].flatMap(({ cooldownUntil, retryAt }) => [cooldownUntil, retryAt]);
    const wait = Math.max(Math.ceil(Math.max(...moments) - mono), this.#loadError?.retryAfter ?? 0);
    const causes: unknown[] = [];
    if ('error' in outcome) causes.push(outcome.error);
    if (this.#loadError !== undefined) causes.push(this.#loadError);
    return new KeyRejectedError(
      `The price API refused the key (version ${version ?? 'unknown'}), and ${this.#loadError === undefined ? 'the store has no other' : 'the store could not be asked for another'}; check the account, or rotate the key.`,
      {
        cause: causes.length > 1 ? new AggregateError(causes, 'The refusal, and the failed reload.') : causes[0],
        retryAfter: wait > 0 ? wait : undefined,
        provider: options.keyProvider.name,
        version,
      },
    );
  }

  /** The stage's key if it differs from the refused one, after at most one reload by this call. */
  async #replacement(slot: StageState, refused: CachedKey): Promise<CachedKey | undefined> {
    const { cache, shelf } = this.#core;
    for (;;) {
      const held = shelf.usable(slot);
      if (held !== undefined && !this.#refused.includes(held.digest)) return held;
      const flight = slot.flight;
      if (flight !== undefined && !this.#reloaded.has(slot)) {
        // One already under way is joined; only an ordinary one may answer from what it knows, and is then followed by
        // a forced one.
        if (flight.kind !== 'ordinary') this.#reloaded.add(slot);
        const { record, error } = await flight.promise;
        if (record !== undefined && !this.#refused.includes(record.digest)) return record;
        if (error !== undefined && !flight.orphan) {
          this.#loadError = error;
          return undefined;
        }
        continue;
      }
      if (this.#reloaded.has(slot)) return undefined;
      const barred = cache.barred(slot);
      if (barred !== undefined) {
        this.#loadError = barred;
        return undefined;
      }
      if (!this.#mayReload(slot)) {
        if (held?.digest === refused.digest) {
          held.standing = 'rejected';
          held.watched = 'refused';
        }
        return undefined;
      }
      cache.begin(slot, 'refusal', false);
    }
  }

  #mayReload(slot: StageState): boolean {
    const { cache, options } = this.#core;
    const cooling = options.clock.monotonic() < slot.cooldownUntil;
    return !cooling && slot.flight === undefined && cache.barred(slot) === undefined;
  }
}

/** A call succeeded with a key whose next success is news. */
function noteSuccess(core: ClientState, record: CachedKey): void {
  const { watched } = record;
  if (record.stage === 'pending') noteCanary(core, record, false);
  if (watched === undefined) return;
  const slot = core.shelf.slot(record.stage);
  if (watched === 'changed') slot.endCooldown();
  else slot.shortenPauses();
  record.watched = undefined;
  if (record.standing === 'rejected') record.standing = 'good';
}

/** A call with `pending` ended; three refusals of twenty end this client's part in the canary. */
function noteCanary(core: ClientState, pending: CachedKey, refused: boolean): void {
  const rejections = core.canary.ended(refused);
  if (rejections === undefined) return;
  core.rolloutChanged();
  core.emit('rollout-reverted', pending, { rejections });
  const { keyProvider } = core.options;
  // A store that cannot note it does not bring the refused key back.
  void (async () => keyProvider.report?.({ version: pending.version, rejections }))().catch(() => undefined);
}
