import { getClientState, type KeyedClient, type KeyStatus } from '../core/index.js';
import type { AuditRecord } from './types.js';

/** A record without the fields that all records have alike. */
export type RecordDetails = Omit<
  AuditRecord,
  'v' | 'id' | 'seq' | 'time' | 'host' | 'pid' | 'actor' | 'prev' | 'mac'
> & {
  /** Time in epoch ms. */
  at: number;
};

type Holding = Pick<KeyStatus, 'version' | 'stage' | 'fingerprint'>;

interface Tally {
  readonly key: Holding;
  readonly isFailure: boolean;
  uses: number;
}

const NOTHING = { calls: 0, rejections: 0, repairs: 0 };

/** Counts one client's uses by version and outcome, from the client's own counts: a call costs nothing. */
export class UsageCounter {
  readonly client: KeyedClient;
  readonly provider: string;
  #seen = NOTHING;
  #key: Holding | undefined;
  #since: number;
  #tallies = new Map<string, Tally>();

  constructor(client: KeyedClient) {
    this.client = client;
    const { clock, keyProvider } = getClientState(client).options;
    this.provider = keyProvider.name;
    this.#since = clock.now();
    const { version, stage, fingerprint, counts } = client.status();
    if (version !== undefined) this.#key = { version, stage, fingerprint };
    this.#seen = counts;
  }

  /** Counts the uses since the last time for the key that was held then. */
  note(): void {
    const { counts, version, stage, fingerprint } = this.client.status();
    const [user, seen] = [this.#key, this.#seen];
    this.#key = version === undefined ? undefined : { version, stage, fingerprint };
    this.#seen = counts;
    if (user === undefined) {
      // Calls found no key, but for those that wait for one: they count for what the load brings.
      const waiting = Math.min(counts.calls - seen.calls, getClientState(this.client).runningCalls);
      this.#seen = { ...counts, calls: counts.calls - waiting };
      return;
    }
    const refused = counts.rejections - seen.rejections;
    // A repaired call used two keys, and one refused for good none with success.
    const good = counts.calls - seen.calls + counts.repairs - seen.repairs - refused;
    this.#add(user, true, refused);
    this.#add(user, false, good);
  }

  /** Returns a record for each version and outcome since the last time. */
  take(): RecordDetails[] {
    this.note();
    const at = getClientState(this.client).options.clock.now();
    const since = new Date(this.#since).toISOString();
    const records = [...this.#tallies.values()].map(({ key, isFailure, uses }): RecordDetails => {
      const outcome = isFailure ? 'failure' : 'success';
      const severity = isFailure ? 'warning' : 'info';
      const about = { client: this.client.status().name, provider: this.provider, ...key };
      return { at, event: 'key.used', outcome, severity, ...about, uses, failures: isFailure ? uses : 0, since };
    });
    this.#tallies = new Map();
    this.#since = at;
    return records;
  }

  #add(key: Holding, isFailure: boolean, uses: number): void {
    if (uses <= 0) return;
    const name = JSON.stringify([key.version, key.stage, isFailure]);
    const tally = this.#tallies.get(name) ?? { key, isFailure, uses: 0 };
    tally.uses += uses;
    this.#tallies.set(name, tally);
  }
}
