import { quote, type KeyCipher } from '../../core/index.js';
import { KeyRotationManager, type RingStore, type StepOptions } from '../../rotation/index.js';
import { CommandError } from '../errors.js';
import { readKey } from '../input/read-key.js';
import { printResult, styleText, tell, type CliIo, type CliRun } from '../io.js';
import { createProbe } from '../options/price-api.js';
import { openRing } from '../options/ring-url.js';
import { listMissingOfCipher, type CommandOptions } from '../options/command-options.js';
import { MAX_AGE, PERCENT, requireAll, RING, type RequiredOption } from '../options/required.js';
import { openCipher } from '../options/store.js';
import { showProgress } from '../spinner.js';
import { formatAge, formatStatus } from './rotation-status.js';

export type StepName = 'init' | 'stage' | 'canary' | 'promote' | 'revert' | 'retire';

type Step = (manager: KeyRotationManager, options: CommandOptions, guards: StepOptions, key: string) => Promise<string>;

/** Takes each step; resolves to the message that tells it is done. */
const STEPS: Readonly<Record<StepName, Step>> = {
  async init(manager, { metadata, name: given }, _, key) {
    const { version } = await manager.init(key, { metadata });
    const { name } = await manager.status();
    const advice = `The name ${quote(name)} must be unique per master key and EncryptionContext: rings of one name are one ring.`;
    const warning =
      given === undefined ? ' It was taken from --ring; give every command --name to choose another.' : '';
    return `Created the ring; ${version} is current. ${advice}${warning}`;
  },
  async stage(manager, { metadata }, guards, key) {
    const { version } = await manager.stage(key, { ...guards, metadata });
    return `Staged ${version}; no client uses it yet.`;
  },
  async canary(manager, { percent }, guards) {
    await manager.canary(Number(percent), guards);
    return `${String(percent)} % of the clients use the staged key.`;
  },
  async promote(manager, { overlap, cutover }, guards) {
    await manager.promote({ ...guards, overlap, cutover });
    return cutover === true
      ? 'The staged key is current, without an overlap: the account no longer has the old key, so a revert would fail.'
      : 'The staged key is current; the old one is kept until the overlap ends.';
  },
  async revert(manager, _, guards) {
    await manager.revert(guards);
    return 'Reverted; the ring above shows the key in use.';
  },
  async retire(manager, { unused }, guards) {
    await manager.retire({ ...guards, quiet: unused });
    return 'Retired the old key.';
  },
};

/** Takes one step of a rotation, and prints the ring. */
export async function rotateStep(run: CliRun, step: StepName, options: CommandOptions): Promise<void> {
  const { io } = run;
  const { keyVersion: version, revision, force } = options;
  const missing = step === 'canary' && options.percent === undefined ? [PERCENT] : [];
  await withManager(io, options, { needsCipher: step !== 'canary', missing }, async (manager, ring) => {
    const key = step === 'init' || step === 'stage' ? await readKey(run, options) : '';
    const take = async (): Promise<{ before: number | undefined; done: string }> => {
      const before = (await ring.read())?.ring.revision;
      return { before, done: await STEPS[step](manager, options, { version, revision, force }, key) };
    };
    const { before, done } = await showProgress(io, `taking the step \`${step}\``, take());
    const status = await manager.status();
    printResult(io, options.json, status, formatStatus(io, status));
    const told = status.revision === before ? `\`${step}\` had been taken already: nothing was done.` : done;
    tell(io, styleText(io, 'stderr', 'dim', told));
  });
}

export async function rotateStatus({ io }: CliRun, options: CommandOptions): Promise<void> {
  const status = await withManager(io, options, { needsCipher: false }, (manager) =>
    showProgress(io, 'reading the ring', manager.status()),
  );
  printResult(io, options.json, status, formatStatus(io, status));
}

/** Tells whether the current key is older than `--max-age`: the exit code is 3 if it is. */
export async function rotateDue(run: CliRun, options: CommandOptions): Promise<void> {
  const { maxAge = 0 } = options;
  const missing = options.maxAge === undefined ? [MAX_AGE] : [];
  await withManager(run.io, options, { needsCipher: false, missing }, async (manager) => {
    const due = await manager.isDue({ maxAge });
    const { current, versions } = await manager.status();
    const age = versions.find(({ version }) => version === current)?.age ?? 0;
    const text = `${due ? 'due' : 'not due'}: ${current} is ${age === Infinity ? 'of unknown age' : `${formatAge(age)} old`}`;
    printResult(run.io, options.json, { due, current, age, maxAge }, text);
    if (due) run.exitCode = 3;
  });
}

async function withManager<T>(
  io: CliIo,
  options: CommandOptions,
  { needsCipher, missing = [] }: { needsCipher: boolean; missing?: readonly RequiredOption[] },
  use: (manager: KeyRotationManager, ring: RingStore) => Promise<T>,
): Promise<T> {
  const ring = options.ring === undefined ? [RING] : [];
  requireAll([...ring, ...missing, ...(needsCipher ? listMissingOfCipher(options) : [])]);
  const opened = await openRing(io, options);
  let cipher: KeyCipher | undefined;
  try {
    cipher = needsCipher ? await openCipher(io, options) : NO_CIPHER;
    return await use(new KeyRotationManager({ ...opened, cipher, probe: await createProbe(io, options) }), opened.ring);
  } finally {
    await cipher?.close?.();
    await opened.ring.close?.();
  }
}

const refuse = (): Promise<never> => Promise.reject(new CommandError('This command neither encrypts nor decrypts.'));
/** The cipher of commands that need no master key. */
export const NO_CIPHER: KeyCipher = {
  name: 'none',
  encryptionContext: {},
  accepts: () => false,
  encrypt: refuse,
  decrypt: refuse,
};
