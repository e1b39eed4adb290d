import { readFileSync } from 'node:fs';
import { loadUndici } from '../../../http/undici-pool.js';
import { readStsEndpoint } from '../../../aws/client-config.js';
import { classifyAwsError } from '../../../aws/failures.js';
import { isAwsRegion } from '../../../aws/credentials.js';
import { readVariable } from '../../../aws/environment.js';
import type { AwsCredentials } from '../../../aws/sigv4.js';
import { signStsRequest } from '../../../aws/sts.js';
import { isLoopback, isQuotable, raceAbort, showText, tryOrUndefined } from '../../../core/index.js';
import { buildKmsUrl, findKmsEndpoint } from '../../../providers/shared/kms/endpoint.js';
import { CommandError, listErrors, UsageError } from '../../errors.js';
import { buildAwsSettings, openNetwork, type AwsSettings } from '../../options/network.js';
import { parseAzureSecret } from '../../options/store.js';
import { fail, ok, skip, unknown, warn, type Finding } from './check.js';
import { formatCommand, quoteForShell } from './repair.js';
import type { AwsClient, Connection, Setup } from './setup.js';

const SLOW_MS = 1_000;
const WARN_OFFSET_MS = 30_000;
/** AWS accepts a signature within 5 minutes. */
const FAIL_OFFSET_MS = 240_000;
const SYNCHRONIZE: Partial<Record<NodeJS.Platform, string>> = {
  darwin: 'sudo sntp -sS time.apple.com',
  win32: 'w32tm /resync',
};

/** The connections of the stores on AWS. */
const CONNECT: Readonly<Record<string, (settings: object) => Promise<Connection>>> = {
  kms: async (settings) => (await import('../../../providers/kms/client.js')).connectToKms(settings),
  'secrets-manager': async (settings) =>
    (await import('../../../providers/secrets-manager/client.js')).connectToSecretsManager(settings),
  ssm: async (settings) => (await import('../../../providers/ssm/client.js')).connectToSsm(settings),
};

export function isOnAws({ kind }: Setup): boolean {
  return Object.hasOwn(CONNECT, kind);
}

/** Returns the settings of all clients, so that they share one client, and an MFA code is asked for once. */
export function openSettings({ run, options, facts }: Setup): Promise<AwsSettings> {
  facts.settings ??= buildAwsSettings(run.io, options).catch((error: unknown) => {
    // No such profile: the environment may be to blame.
    throw error instanceof UsageError ? new CommandError(error.message) : error;
  });
  return facts.settings;
}

/** Opens the SDK's client as the store does. */
async function withClient<T>(setup: Setup, signal: AbortSignal, use: (client: AwsClient) => Promise<T>): Promise<T> {
  const { kind, facts } = setup;
  facts.connection ??= openSettings(setup).then((settings) => CONNECT[kind]?.(settings));
  const connection = await facts.connection;
  if (connection === undefined) throw new CommandError('This store is not on AWS.');
  return connection.call({ operation: 'sign-in' }, (_, client) => use(client), { signal });
}

export async function closeConnection({ facts }: Setup): Promise<void> {
  await (await facts.connection?.catch(() => undefined))?.close();
}

/** Checks that a Region is set, and that it is the key's. */
export async function checkRegion(setup: Setup, signal: AbortSignal): Promise<Finding> {
  const { options, facts } = setup;
  const { keyId = '', region: given } = options;
  const settings = await openSettings(setup).catch(() => undefined);
  if (settings === undefined) return { ...skip('needs credentials'), goesOn: false };
  const region = await withClient(setup, signal, ({ config }) => config.region());
  if (!isAwsRegion(region) || !isQuotable(region))
    return fail('The Region must be the name of one, e.g. eu-west-1.', repairRegion());
  facts.region = region;
  const [, , , keyRegion = region] = keyId.startsWith('arn:') ? keyId.split(':') : [];
  if (keyRegion === region) return ok(region);
  const fix =
    given === undefined
      ? `export AWS_REGION=${quoteForShell(keyRegion)}`
      : formatCommand('goldkey doctor', { ...options, region: keyRegion });
  return fail(`The Region is ${region}, and the key of --key-id is in ${showText(keyRegion)}.`, fix);
}

/** Returns the command that sets a Region. */
export function repairRegion(): string {
  return 'export AWS_REGION=us-east-1';
}

/** Checks that there are credentials which have not expired, and asks STS whose they are. */
export async function checkCredentials(setup: Setup, signal: AbortSignal): Promise<Finding> {
  const { clock } = setup;
  const credentials = await withClient(setup, signal, ({ config }) => config.credentials());
  const { $source = {}, expiration } = credentials;
  const words = Object.keys($source).map((name) => name.replace('CREDENTIALS_', '').toLowerCase().replaceAll('_', ' '));
  const source = words.length === 0 ? '' : `, from ${words.join(', ')}`;
  const left = expiration === undefined ? Infinity : Number(expiration) - clock.now();
  if (left <= 0) return fail(`The credentials${source} have expired.`, repairCredentials(setup));
  const life = left === Infinity ? '' : `, for ${String(Math.ceil(left / 60_000))} min`;
  const { arn, code } = await askIdentity(setup, credentials, signal);
  if (code !== undefined) {
    return fail(
      `AWS STS answered GetCallerIdentity with ${code}: the credentials${source} are wrong or have expired, or the clock is off.`,
      repairCredentials(setup),
    );
  }
  return arn === undefined
    ? unknown(`found${source}${life}; AWS STS was not reached, so whose they are is not known`)
    : ok(`${arn}${source}${life}`);
}

/** Returns the command that repairs the credentials. */
export function repairCredentials({ options }: Setup, error?: unknown): string {
  const kinds = listErrors(error).map((cause) => classifyAwsError(cause).kind);
  const { profile = readVariable('AWS_PROFILE') } = options;
  const flag = profile === undefined ? '' : ` --profile ${isQuotable(profile) ? quoteForShell(profile) : '…'}`;
  return `aws ${kinds.includes('sign-in') ? 'sso login' : 'configure'}${flag}`;
}

/** Asks STS whose credentials they are: the ARN, or the code by which they are refused. Nothing if it gives no answer. */
async function askIdentity(
  { run, options, facts, clock }: Setup,
  credentials: AwsCredentials,
  signal: AbortSignal,
): Promise<{ arn?: string | undefined; code?: string | undefined }> {
  const { endpointUrl = '', dangerouslyAllowHttp } = options;
  const { isGiven, endpoint } = readStsEndpoint(dangerouslyAllowHttp);
  const isStandIn = URL.canParse(endpointUrl) && isLoopback(new URL(endpointUrl).hostname);
  // The credentials of a stand-in for KMS are not those of AWS.
  if (endpoint === undefined && (isGiven || isStandIn)) return {};
  const place = { region: facts.region, endpoint };
  const request = signStsRequest('GetCallerIdentity', {}, credentials, clock.now(), place);
  try {
    const { status, text } = await exchange({ run, options, clock }, request, signal);
    return status === 200
      ? { arn: /<Arn>([^<]+)<\/Arn>/.exec(text)?.[1] }
      : { code: /<Code>(\w{1,64})<\/Code>/.exec(text)?.[1] };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof UsageError) throw error;
    return {};
  }
}

/** Checks that Vault's token is there. */
export function checkVaultToken(): Finding {
  if (readVariable('VAULT_TOKEN') !== undefined) return ok('VAULT_TOKEN is set');
  return fail('VAULT_TOKEN is not set.', 'export VAULT_TOKEN="$(vault login -token-only -method=oidc)"');
}

/** Checks that the service of the key is reached within a second, and notes the time in its answer. */
export async function checkEndpoint(setup: Setup, signal: AbortSignal): Promise<Finding> {
  const { options, facts } = setup;
  const url = findEndpoint(setup);
  const { origin, hostname } = url;
  if (url.protocol === 'http:' && !isLoopback(hostname) && options.dangerouslyAllowHttp !== true) {
    const fix = formatCommand('goldkey doctor', { ...options, dangerouslyAllowHttp: true });
    return fail(`${origin} is plain http: the network would see every key.`, fix);
  }
  const caFile = setup.kind.startsWith('vault') ? readVariable('VAULT_CACERT') : undefined;
  // A file that cannot be read is for the check of the key, which explains it.
  const ca = caFile === undefined ? undefined : tryOrUndefined(() => readFileSync(caFile));
  const { date, start, ms } = await exchange(setup, { url: origin, method: 'GET', ca }, signal).catch(
    (error: unknown) => {
      signal.throwIfAborted();
      if (error instanceof UsageError) throw error;
      const code = listErrors(error)
        .map((cause) => (cause as NodeJS.ErrnoException).code)
        .find((name) => typeof name === 'string');
      throw new CommandError(
        `${origin} could not be reached (${showText(code ?? 'Error')}): check the network, DNS, the proxy and the VPC endpoint.`,
      );
    },
  );
  const at = Date.parse(date);
  // The answer's time has no fraction.
  if (!Number.isNaN(at)) facts.clockOffset = { ms: start + ms / 2 - (at + 500), error: ms / 2 + 500 };
  const took = `${origin} answers in ${String(Math.round(ms))} ms`;
  if (ms <= SLOW_MS) return ok(took);
  return { ...fail(`${took}, and a client waits for 1 s until it connects.`, repairEndpoint(setup)), goesOn: true };
}

/** Returns the command that repairs an address, or shows where a connection ends. */
export function repairEndpoint(setup: Setup): string {
  const { options } = setup;
  if (options.endpointUrl !== undefined) return formatCommand('goldkey doctor', { ...options, endpointUrl: undefined });
  const url = tryOrUndefined(() => findEndpoint(setup).origin);
  return url === undefined ? 'export VAULT_ADDR=https://vault.example:8200' : `curl -sv -o /dev/null ${url}`;
}

/** Checks this machine's clock against the time of the service. */
export function checkClock({ facts }: Setup): Finding {
  const { clockOffset } = facts;
  if (clockOffset === undefined) return unknown('the service tells no time');
  const { ms, error } = clockOffset;
  const drift = Math.max(0, Math.abs(ms) - error);
  if (drift <= WARN_OFFSET_MS) return ok('within 30 s of the service');
  const problem = `The clock is ${String(Math.round(drift / 1_000))} s ${ms > 0 ? 'ahead of' : 'behind'} the service's`;
  const fix = SYNCHRONIZE[process.platform] ?? 'sudo timedatectl set-ntp true';
  return drift <= FAIL_OFFSET_MS
    ? warn(`${problem}.`, fix)
    : fail(`${problem}; signatures count within 5 minutes.`, fix);
}

function findEndpoint({ kind, options, facts }: Setup): URL {
  const { endpointUrl, dangerouslyAllowHttp, store = '' } = options;
  if (kind === 'azure-key-vault') return new URL(parseAzureSecret(store).vaultUrl);
  if (kind.startsWith('vault')) {
    const address = readVariable('VAULT_ADDR') ?? '';
    if (URL.canParse(address)) return new URL(address);
    throw new CommandError('VAULT_ADDR must be set to the URL of Vault.');
  }
  const { region = '' } = facts;
  if (endpointUrl !== undefined) return new URL(endpointUrl);
  if (kind === 'kms') return findKmsEndpoint(region, dangerouslyAllowHttp);
  const given = readVariable('AWS_ENDPOINT_URL') ?? '';
  const standard = buildKmsUrl(region, { fips: false, dualStack: false });
  return new URL(URL.canParse(given) ? given : standard.replace('kms.', kind === 'ssm' ? 'ssm.' : 'secretsmanager.'));
}

interface Request {
  readonly url: string;
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly ca?: Buffer | undefined;
}

/** Sends a request, through the proxy that the environment names. The body of an answer to GET is dropped. */
async function exchange(
  { run, options, clock }: Pick<Setup, 'run' | 'options' | 'clock'>,
  { url, method, headers = {}, body, ca }: Request,
  signal: AbortSignal,
): Promise<{ status: number; text: string; date: string; start: number; ms: number }> {
  const undici = await loadUndici();
  if (undici === undefined) throw new CommandError('The package undici cannot be used here: run it with Node.js.');
  const { dispatcher: proxy } = await openNetwork(run.io, options);
  const dispatcher = proxy ?? new undici.Agent({ connect: { ...(ca !== undefined && { ca }) } });
  try {
    const [start, from] = [clock.now(), clock.monotonic()];
    const sending = undici.request(url, { method: method as 'GET', headers, body: body ?? null, dispatcher, signal });
    const answer = await raceAbort(sending, signal);
    const ms = clock.monotonic() - from;
    if (method === 'GET') await answer.body.dump();
    const text = method === 'GET' ? '' : await answer.body.text();
    return { status: answer.statusCode, text, date: String(answer.headers['date']), start, ms };
  } finally {
    // The proxy is the whole command line's.
    if (dispatcher !== proxy) void dispatcher.destroy();
  }
}
