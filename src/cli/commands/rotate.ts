import type { KeyCipher } from '../../core/index.js';
import { KeyRotationManager, type RotationStatus, type StepOptions } from '../../rotation/index.js';
import { duration } from '../options/duration.js';
import { CommandError, UsageError, type Secrets } from '../errors.js';
import { result, styled, tell, type CliIo } from '../io.js';
import { probeOf, type ProbeOptions } from '../options/probe.js';
import { readKey } from '../input/read-key.js';
import { ringOf } from '../options/ring-url.js';
import type { RingOptions, StoreOptions } from '../options/store-options.js';
import { cipherOf } from '../options/store.js';

/** The options of every `rotate` command. */
export interface RotateCommandOptions extends StoreOptions, RingOptions, ProbeOptions {
  json?: boolean | undefined;
  keyFile?: string | undefined;
  keyVersion?: string | undefined;
  revision?: string | undefined;
  force?: boolean | undefined;
  percent?: string | undefined;
  overlap?: string | undefined;
  cutover?: boolean | undefined;
  metadata?: readonly string[] | undefined;
  maxAge?: string | undefined;
}

/** A step, as the command line takes it: what it says when it is done. */
type Step = (
  manager: KeyRotationManager,
  options: RotateCommandOptions,
  on: StepOptions,
  key: () => Promise<string>,
) => Promise<string>;

const STEPS: Readonly<Record<string, Step>> = {
  async init(manager, options, _, key) {
    const { version } = await manager.init(await key(), { metadata: metadataOf(options) });
    return `The ring is made; ${version} is current.`;
  },
  async stage(manager, options, on, key) {
    const { version } = await manager.stage(await key(), { ...on, metadata: metadataOf(options) });
    return `${version} is staged; nobody uses it yet.`;
  },
  async canary(manager, { percent }, on) {
    if (percent === undefined || !/^\d{1,3}(\.\d{1,3})?$/.test(percent)) {
      throw new UsageError('--percent is required, a number from 0 to 100.');
    }
    await manager.canary(Number(percent), on);
    return `${percent} % of the clients try the staged key.`;
  },
  async promote(manager, { overlap, cutover }, on) {
    await manager.promote({
      ...on,
      ...(cutover === true && { cutover }),
      ...(overlap !== undefined && { overlap: duration('--overlap', overlap) }),
    });
    return cutover === true
      ? 'The staged key is current. By cutover: there is no overlap, and going back leads to a key that the account no longer has.'
      : 'The staged key is current; the old one is kept until the overlap ends.';
  },
  async retire(manager, _, on) {
    await manager.retire(on);
    return 'The old key is retired.';
  },
  async revert(manager, _, on) {
    await manager.revert(on);
    return 'Gone back: see the ring.';
  },
};

/** Takes one step of a rotation, and prints where the ring stands then. */
export async function rotateStep(
  io: CliIo,
  step: string,
  options: RotateCommandOptions,
  secrets: Secrets,
): Promise<void> {
  const take = STEPS[step];
  if (take === undefined) throw new Error(`There is no step ${step}.`);
  await withManager(io, options, step === 'canary', async (manager) => {
    const key = async (): Promise<string> => {
      const read = await readKey(io, options.keyFile);
      secrets.add(read);
      return read;
    };
    const said = await take(manager, options, stepOptions(options), key);
    print(io, options, await manager.status());
    tell(io, styled(io, 'stderr', 'dim', said));
  });
}

/** Prints where a rotation stands. */
export async function rotateStatus(io: CliIo, options: RotateCommandOptions): Promise<void> {
  await withManager(io, options, true, async (manager) => print(io, options, await manager.status()));
}

/** Says whether the current key is older than `--max-age`. Returns the exit code: 3 when it is due. */
export async function rotateDue(io: CliIo, options: RotateCommandOptions): Promise<number> {
  if (options.maxAge === undefined) throw new UsageError('--max-age is required, e.g. --max-age 90d.');
  const maxAge = duration('--max-age', options.maxAge);
  return withManager(io, options, true, async (manager) => {
    const due = await manager.isDue({ maxAge });
    const { current, versions } = await manager.status();
    const age = versions.find(({ version }) => version === current)?.age ?? 0;
    result(
      io,
      options.json,
      { due, current, age, maxAge },
      () => `${due ? 'due' : 'not due'}: ${current} is ${days(age)} old`,
    );
    return due ? 3 : 0;
  });
}

async function withManager<T>(
  io: CliIo,
  options: RotateCommandOptions,
  withoutCipher: boolean,
  use: (manager: KeyRotationManager) => Promise<T>,
): Promise<T> {
  const { store, name } = await ringOf(io, options);
  let cipher: KeyCipher | undefined;
  try {
    cipher = withoutCipher ? NO_CIPHER : await cipherOf(io, options);
    return await use(new KeyRotationManager({ ring: store, name, cipher, probe: await probeOf(options) }));
  } finally {
    await cipher?.close?.();
    await store.close?.();
  }
}

/** For what neither encrypts nor decrypts: nobody has to name a master key to look at a ring. */
const NO_CIPHER: KeyCipher = {
  name: 'none',
  encryptionContext: {},
  accepts: () => false,
  encrypt: () => Promise.reject(new CommandError('This command does not encrypt.')),
  decrypt: () => Promise.reject(new CommandError('This command does not decrypt.')),
};

function stepOptions({ keyVersion, revision, force }: RotateCommandOptions): StepOptions {
  if (revision !== undefined && !/^[1-9]\d{0,14}$/.test(revision))
    throw new UsageError('--revision must be an integer from 1.');
  return {
    ...(keyVersion !== undefined && { version: keyVersion }),
    ...(revision !== undefined && { revision: Number(revision) }),
    ...(force === true && { force }),
  };
}

function metadataOf({ metadata }: RotateCommandOptions): Record<string, string> | undefined {
  if (metadata === undefined) return undefined;
  return Object.fromEntries(
    metadata.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new UsageError('--metadata must be name=value.');
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

function print(io: CliIo, { json }: RotateCommandOptions, status: RotationStatus): void {
  result(io, json, status, () => asText(status));
}

function asText(status: RotationStatus): string {
  const { name, revision, versions, previous, previousUntil, pending, percent, revertedAt, nextStep } = status;
  const rows = versions.map(({ version, state, fingerprint, age }) => {
    const notes = [
      version === previous && previousUntil !== undefined ? `kept until ${new Date(previousUntil).toISOString()}` : '',
      version === pending ? `${String(percent)} % of the clients` : '',
      version === pending && revertedAt !== undefined ? `given up at ${new Date(revertedAt).toISOString()}` : '',
    ].filter((note) => note !== '');
    return [version, state, fingerprint === '' ? '-' : fingerprint, days(age), notes.join(', ')];
  });
  const table = [['version', 'state', 'fingerprint', 'age', ''], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return [
    `${name}, revision ${String(revision)}`,
    ...table.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    ),
    `next  ${nextStep}`,
  ].join('\n');
}

function days(ms: number): string {
  if (ms < 3_600_000) return `${String(Math.floor(ms / 60_000))} min`;
  if (ms < 172_800_000) return `${String(Math.floor(ms / 3_600_000))} h`;
  return `${String(Math.floor(ms / 86_400_000))} days`;
}
