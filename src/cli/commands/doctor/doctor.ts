import { redactValue, systemClock } from '../../../core/index.js';
import { memoize } from '../../../util/memoize.js';
import { explainError } from '../../errors.js';
import { print, styleText, tell, type CliIo, type CliRun } from '../../io.js';
import { readManifest } from '../../manifest.js';
import {
  getMasterKeyFile,
  listMissingOfCipher,
  listMissingOfCiphertext,
  type CommandOptions,
} from '../../options/command-options.js';
import { openNetwork } from '../../options/network.js';
import { requireAll } from '../../options/required.js';
import { isCipherUrl } from '../../options/store.js';
import { canPrompt } from '../../input/prompt.js';
import { showProgress } from '../../spinner.js';
import { runChecks, type Check, type CheckId, type CheckResult, type Finding } from './check.js';
import { checkFiles } from './files.js';
import { checkEnvironment, checkNode, checkPackages } from './host.js';
import {
  checkContext,
  checkKeyAge,
  checkPriceApi,
  checkRotation,
  readRingStatus,
  repairContext,
  repairPriceApi,
  repairRing,
} from './key.js';
import { checkKeyState, checkPermission, repairKey, repairPermission } from './kms.js';
import {
  checkClock,
  checkCredentials,
  checkEndpoint,
  checkRegion,
  checkVaultToken,
  closeConnection,
  isOnAws,
  repairCredentials,
  repairEndpoint,
  repairRegion,
} from './service.js';
import { describeSetup, type Setup } from './setup.js';

/** How long typing an MFA code may take, in ms. */
const PROMPT_MS = 120_000;
const STYLES = { ok: 'green', warn: 'yellow', fail: 'red', skip: 'dim', unknown: 'dim' } as const;

/** Checks all that a key needs, and prints what is wrong and how to repair it. Changes nothing. The exit code is 3 for a failure. */
export async function doctor(run: CliRun, options: CommandOptions): Promise<void> {
  const { io, argv, secrets } = run;
  await checkUsage(io, options);
  const setup = describeSetup(run, options, io.clock ?? systemClock);
  try {
    const examining = runChecks(listChecks(setup), setup.clock, (error) => explainError(error, argv));
    const results = redactValue(await showProgress(io, 'examining', examining), secrets);
    const isBad = ({ status }: Finding): boolean => status === 'fail' || (options.strict === true && status === 'warn');
    const ok = !results.some(isBad);
    if (options.json === true) {
      const checks = results.map(({ id, status, message, fix, ms }) => ({ id, status, message, fix, ms }));
      print(io, JSON.stringify({ version: readManifest().version, ok, checks }));
    } else printResults(io, results);
    if (!ok) run.exitCode = 3;
  } finally {
    setup.facts.key?.fill(0);
    await closeConnection(setup);
  }
}

/** Throws if the options do not name a key, or the environment no proxy, as the other commands do. */
async function checkUsage(io: CliIo, options: CommandOptions): Promise<void> {
  const { ring, store } = options;
  getMasterKeyFile(options);
  if (ring !== undefined) requireAll(listMissingOfCipher(options));
  else if (store === undefined || isCipherUrl(store)) requireAll(listMissingOfCiphertext(io, options));
  await openNetwork(io, options);
}

function listChecks(setup: Setup): Check[] {
  const { run, options, clock, kind, ringKind } = setup;
  const isAws = isOnAws(setup);
  const isVault = kind.startsWith('vault');
  const isRemote = isAws || isVault || kind === 'azure-key-vault';
  const isRingRemote = ringKind !== undefined && ringKind !== 'file';
  /** Returns why a check is not made: it is of no use for this store, or needs the network. */
  const skipUnless = (applies: boolean, why: string, needsNetwork = true): string | undefined => {
    if (!applies) return why;
    return needsNetwork && options.offline === true ? 'needs the network; --offline' : undefined;
  };
  const needs: CheckId[] = [
    'packages',
    'files',
    'credentials',
    'region',
    'endpoint',
    'key-state',
    'permission',
    'rotation',
  ];
  const unused = `not used by ${kind === 'local' ? 'a master-key file' : 'this store'}`;
  const readStatus = memoize(() => readRingStatus(setup));
  return [
    { id: 'node', run: () => checkNode(process.versions.node, clock.now()) },
    { id: 'packages', run: () => checkPackages(setup) },
    { id: 'files', run: (signal) => checkFiles(setup, signal) },
    {
      id: 'credentials',
      needs: ['packages'],
      skipped: skipUnless(isAws || isVault, isRemote ? 'those of the Azure SDK are used' : unused),
      ...(canPrompt(run.io) && { budget: PROMPT_MS }),
      run: (signal) => (isVault ? checkVaultToken() : checkCredentials(setup, signal)),
      repair: (error) => repairCredentials(setup, error),
    },
    {
      id: 'region',
      needs: ['packages'],
      skipped: skipUnless(isAws, unused, false),
      run: (signal) => checkRegion(setup, signal),
      repair: repairRegion,
    },
    {
      id: 'endpoint',
      needs: ['region'],
      skipped: skipUnless(isRemote, unused),
      run: (signal) => checkEndpoint(setup, signal),
      repair: () => repairEndpoint(setup),
    },
    { id: 'clock', needs: ['endpoint'], skipped: skipUnless(isRemote, unused), run: () => checkClock(setup) },
    {
      id: 'key-state',
      needs: ['credentials', 'region', 'endpoint'],
      skipped: skipUnless(kind === 'kms' && options.keyId !== undefined, kind === 'kms' ? 'needs --key-id' : unused),
      run: (signal) => checkKeyState(setup, signal),
      repair: (error) => repairKey(setup, error),
    },
    {
      id: 'permission',
      needs: ['credentials', 'region', 'endpoint', 'key-state'],
      skipped: skipUnless(kind === 'kms', kind === 'local' ? unused : 'the check `context` shows it'),
      run: (signal) => checkPermission(setup, signal),
      repair: (error) => repairPermission(setup, error),
    },
    {
      id: 'rotation',
      needs: ['packages'],
      skipped: skipUnless(ringKind !== undefined, 'needs --ring', isRingRemote),
      run: async () => checkRotation(setup, await readStatus()),
      repair: (error) => repairRing(setup, error),
    },
    {
      id: 'context',
      needs,
      skipped: skipUnless(true, '', isRemote || isRingRemote),
      run: (signal) => checkContext(setup, signal),
      repair: (error) => repairContext(setup, error),
    },
    {
      id: 'key-age',
      needs: [ringKind === undefined ? 'context' : 'rotation'],
      skipped: skipUnless(true, '', isRingRemote || (ringKind === undefined && isRemote)),
      run: async () => checkKeyAge(setup, ringKind === undefined ? undefined : await readStatus()),
    },
    {
      id: 'environment',
      needs: ['context'],
      skipped: skipUnless(true, '', isRemote || isRingRemote),
      run: () => checkEnvironment(setup),
    },
    {
      id: 'price-api',
      needs: ['context'],
      skipped: skipUnless(options.api !== undefined || options.apiUrl !== undefined, 'needs --api'),
      run: (signal) => checkPriceApi(setup, signal),
      repair: (error) => repairPriceApi(setup, error),
    },
  ];
}

/** Prints a line for each check, and the command that repairs it below; on stderr how many failed. */
function printResults(io: CliIo, results: readonly CheckResult[]): void {
  const width = Math.max(...results.map(({ id }) => id.length));
  for (const { id, status, message, fix } of results) {
    const label = styleText(io, 'stdout', STYLES[status], `[${status}]`.padEnd(9));
    print(io, `${label} ${id.padEnd(width)}  ${message}`);
    if (fix !== undefined) print(io, `${' '.repeat(10)}${styleText(io, 'stdout', 'bold', `fix: ${fix}`)}`);
  }
  const count = (status: Finding['status'], word: string): string[] => {
    const { length } = results.filter((result) => result.status === status);
    return length === 0 ? [] : [`${String(length)} ${word}${length === 1 ? '' : 's'}`];
  };
  const problems = [...count('fail', 'failure'), ...count('warn', 'warning')];
  tell(io, problems.length === 0 ? 'All is well.' : `${problems.join(', ')}: run what stands after "fix:".`);
}
