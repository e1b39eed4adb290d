import type { AwsConnection } from '../../../aws/client.js';
import type { AwsCall } from '../../../aws/errors.js';
import type { AwsCredentials } from '../../../aws/sigv4.js';
import type { Clock } from '../../../core/index.js';
import type { CliRun } from '../../io.js';
import type { CommandOptions } from '../../options/command-options.js';
import type { AwsSettings } from '../../options/network.js';

/** Credentials, and the SDK's name for where it found them. */
type Identity = AwsCredentials & { readonly $source?: Readonly<Record<string, string>> };
/** The part that the clients of all services have in common. */
export interface AwsClient {
  readonly config: { region(): Promise<string>; credentials(): Promise<Identity> };
}
export type Connection = AwsConnection<unknown, AwsClient, AwsCall>;

/** The key that is examined, and the facts that earlier checks have found. */
export interface Setup {
  readonly run: CliRun;
  readonly options: CommandOptions;
  readonly clock: Clock;
  /** The place of the key: `kms`, `local`, or the scheme of --store. */
  readonly kind: string;
  /** The place of the ring: `file`, or the scheme of --ring. */
  readonly ringKind: string | undefined;
  readonly facts: Facts;
}

interface Facts {
  settings?: Promise<AwsSettings>;
  connection?: Promise<Connection | undefined>;
  region?: string;
  keyArn?: string;
  /** How far this machine's clock is from the service's, and the error of that, in ms. */
  clockOffset?: { readonly ms: number; readonly error: number };
  fingerprint?: string;
  createdAt?: number | undefined;
  /** The key, zeroed at the end. */
  key?: Uint8Array;
}

export function describeSetup(run: CliRun, options: CommandOptions, clock: Clock): Setup {
  const { store, local, ring } = options;
  const readScheme = (url: string, fallback: string): string => /^([a-z-]+):\/\//.exec(url)?.[1] ?? fallback;
  const kind = ring === undefined && store !== undefined ? readScheme(store, '') : local === true ? 'local' : 'kms';
  const ringKind = ring === undefined ? undefined : readScheme(ring, 'file');
  return { run, options, clock, kind, ringKind, facts: {} };
}
