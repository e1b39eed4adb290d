import {
  describeType,
  getClientState,
  invalidType,
  tryOrUndefined,
  type Clock,
  type KeyedClient,
  type KeyProvider,
  type KeyStatus,
} from '../core/index.js';

/** The message of a client's constructor on `goldkey:client-created`. */
export interface CreatedClient {
  readonly client: KeyedClient;
  readonly keyProvider?: KeyProvider;
  readonly clock?: Clock;
}

const METHODS = ['on', 'redact', 'status'] as const;

/**
 * Returns the clients as a list of its own, each once.
 *
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: something that is not a client
 */
export function listClients(clients: KeyedClient | readonly KeyedClient[]): readonly KeyedClient[] {
  const list = Array.isArray(clients) ? (clients as readonly KeyedClient[]) : [clients as KeyedClient];
  for (const client of list) {
    // By its methods: the other build of this package has a class of its own.
    if (METHODS.every((method) => typeof (client as Partial<KeyedClient> | undefined)?.[method] === 'function'))
      continue;
    throw invalidType(`\`clients\` must be a client or a list of clients, got ${describeType(client)}.`);
  }
  return [...new Set(list)];
}

/** The clients of one key store, which share its loads and some of its counts. */
export interface SharedKeys {
  /** Those that are not closed, oldest first: the first one speaks for all. */
  readonly members: Set<TrackedClient>;
  readonly seen: Map<string, number>;
}

/** A client that is observed. Held weakly: telemetry keeps nobody alive. */
export class TrackedClient {
  readonly name: string;
  readonly provider: string;
  readonly shared: SharedKeys;
  /** Removes what was added to the client. */
  stop: (() => void) | undefined;
  /** Its counts at the last look. */
  readonly seen: Map<string, number> = new Map();
  readonly #client: WeakRef<KeyedClient>;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(created: CreatedClient, shares: WeakMap<object, SharedKeys>) {
    const { client } = created;
    // The state of the other build's clients is out of reach.
    const { keyProvider, clock } = tryOrUndefined(() => getClientState(client).options) ?? created;
    const owner = keyProvider ?? client;
    this.name = client.status().name;
    this.provider = keyProvider?.name ?? this.name;
    this.shared = shares.get(owner) ?? { members: new Set(), seen: new Map() };
    this.shared.members.add(this);
    shares.set(owner, this.shared);
    this.#client = new WeakRef(client);
    this.#clock = clock ?? Date;
  }

  /** Its status; `undefined` once the client is gone. */
  readStatus(): KeyStatus | undefined {
    return this.#client.deref()?.status();
  }

  /** Returns the time by the client's clock, in epoch ms. */
  now(): number {
    return this.#clock.now();
  }

  /** True for the first of the clients that share a key store. */
  get speaksForAll(): boolean {
    const [first] = this.shared.members;
    return first === this;
  }

  /** Lets the next client speak for all. */
  leave(): void {
    this.shared.members.delete(this);
  }
}
