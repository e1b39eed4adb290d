import { readStsEndpoint } from '../../aws/client-config.js';
import { isAwsCredentials } from '../../aws/credentials.js';
import { classifyAwsError } from '../../aws/failures.js';
import type { AwsCredentials } from '../../aws/sigv4.js';
import { signStsRequest } from '../../aws/sts.js';
import { isError, KeyProviderError, systemClock, type Clock } from '../../core/index.js';
import { readBody } from '../../http/bounded-body.js';
import { parseErrorName } from '../../util/error-name.js';
import { UsageError } from '../errors.js';
import { canPrompt, promptHidden } from '../input/prompt.js';
import { tell, type CliIo } from '../io.js';
import { findMfaProfile, readCliSession } from './aws-profile.js';
import type { CommandOptions } from './command-options.js';

// Sessions with MFA: of the role of a profile, or of an IAM user. A code is typed, and nothing is written.

const TRIES = 3;
/** A code is shown for so long, in ms, and counts once. */
const CODE_MS = 30_000;
const SESSION_S = '3600';
/** The SDK asks for other credentials so long before the end of those it has, in ms. */
const RENEWAL_MS = 300_000;
const MAX_BODY_BYTES = 65_536;
/** AWS STS's words for a code that is wrong or was used before. */
const WRONG_CODE = 'invalid MFA one time pass code';

/** The part that is used of the configuration of the SDK's client that asks for credentials. */
interface CallerConfig {
  readonly region: () => Promise<string>;
  readonly requestHandler: {
    handle(request: object): Promise<{ response: { statusCode: number; body: AsyncIterable<Uint8Array> } }>;
  };
  readonly credentialDefaultProvider?: (config: object) => CredentialsProvider;
}

type CredentialsProvider = (caller?: { callerClientConfig?: CallerConfig }) => Promise<AwsCredentials>;

/** A client of the SDK that asks for credentials. */
interface Caller {
  readonly config: CallerConfig;
  /** Loads credentials as the client would have done by itself. */
  load(more?: object): Promise<AwsCredentials>;
}

const providers = new WeakMap<CliIo, CredentialsProvider>();

/**
 * Returns the function that a client of the SDK calls for a session with MFA; `undefined` where no code is asked for. It is
 * one for a command line, so that its stores share a client, and a code is asked for once.
 */
export function findMfaCredentials(io: CliIo, options: CommandOptions): CredentialsProvider | undefined {
  const { mfaSerial } = options;
  const profile = mfaSerial === undefined ? findMfaProfile(options.profile) : undefined;
  if (mfaSerial === undefined && profile === undefined) return undefined;
  const clock = io.clock ?? systemClock;
  const open = async (caller: Caller): Promise<AwsCredentials> => {
    if (mfaSerial !== undefined) return openUserSession(io, mfaSerial, caller, options);
    const kept = readCliSession(profile ?? {});
    if (kept !== undefined && isLasting(kept, clock)) return kept;
    return askAgain(io, () => caller.load({ mfaCodeProvider: (serial: string) => readCode(io, serial) }));
  };
  const provider = providers.get(io) ?? keepSession(clock, open);
  providers.set(io, provider);
  return provider;
}

/** Returns a function that opens a session, and keeps it until it ends. */
function keepSession(clock: Clock, open: (caller: Caller) => Promise<AwsCredentials>): CredentialsProvider {
  let session: AwsCredentials | undefined;
  let opening: Promise<AwsCredentials> | undefined;
  return async ({ callerClientConfig: config } = {}) => {
    if (session !== undefined && isLasting(session, clock)) return session;
    if (config?.credentialDefaultProvider === undefined) {
      throw createError('This version of the AWS SDK is too old for MFA: install the latest one of its package.');
    }
    const { credentialDefaultProvider: find } = config;
    const load: Caller['load'] = (more) =>
      find({ ...config, parentClientConfig: config, ...more })({ callerClientConfig: config });
    opening ??= open({ config, load })
      .catch((error: unknown) => {
        // A store would try again, and ask for another code.
        const { retryWindow, code, name } = classifyAwsError(error);
        if (retryWindow === undefined) throw error;
        throw createError(
          `AWS STS could not be reached (${code === '' ? name : code}): check the network, the proxy and AWS_ENDPOINT_URL_STS.`,
        );
      })
      .finally(() => (opening = undefined));
    session = await opening;
    return session;
  };
}

function isLasting({ expiration }: AwsCredentials, clock: Clock): boolean {
  return Number(expiration) - clock.now() > RENEWAL_MS;
}

/** Opens a session of an IAM user, by GetSessionToken of STS. */
async function openUserSession(
  io: CliIo,
  serial: string,
  { config, load }: Caller,
  { dangerouslyAllowHttp }: CommandOptions,
): Promise<AwsCredentials> {
  const credentials = await load();
  if (credentials.sessionToken !== undefined) {
    throw createError('--mfa-serial takes the access key of an IAM user, and these are credentials of a session.');
  }
  const { isGiven, endpoint } = readStsEndpoint(dangerouslyAllowHttp);
  if (isGiven && endpoint === undefined) {
    throw createError('AWS_ENDPOINT_URL_STS must be an https URL, or --dangerously-allow-http be given.');
  }
  const place = { region: await config.region(), endpoint };
  return askAgain(io, async () => {
    const asked = { SerialNumber: serial, TokenCode: await readCode(io, serial), DurationSeconds: SESSION_S };
    const now = (io.clock ?? systemClock).now();
    const { url, ...request } = signStsRequest('GetSessionToken', asked, credentials, now, place);
    const { protocol, hostname, port, pathname: path } = new URL(url);
    const target = { protocol, hostname, path, ...(port !== '' && { port: Number(port) }) };
    const { response } = await config.requestHandler.handle({ ...request, ...target });
    return parseSession(response.statusCode, await readBody(response.body, MAX_BODY_BYTES));
  });
}

/** Returns the session in an answer to GetSessionToken. No error quotes the answer. */
function parseSession(status: number, text: string): AwsCredentials {
  const read = (name: string): string | undefined => new RegExp(`<${name}>([^<]+)</`).exec(text)?.[1];
  const session = {
    accessKeyId: read('AccessKeyId'),
    secretAccessKey: read('SecretAccessKey'),
    sessionToken: read('SessionToken'),
    expiration: new Date(read('Expiration') ?? NaN),
  };
  if (status === 200 && isAwsCredentials(session)) return session;
  if (text.includes(WRONG_CODE)) throw new Error(WRONG_CODE);
  const problem = parseErrorName(read('Code')) ?? `status ${String(status)}`;
  throw createError(`AWS STS answered GetSessionToken with ${problem}: check --mfa-serial and the access key.`);
}

/** Opens a session, again with another code where STS took one for wrong. */
async function askAgain(io: CliIo, open: () => Promise<AwsCredentials>): Promise<AwsCredentials> {
  for (let left = TRIES - 1; ; left--) {
    try {
      return await open();
    } catch (error) {
      if (!isError(error) || !error.message.includes(WRONG_CODE)) throw error;
      if (left === 0) break;
      const seconds = Math.ceil((CODE_MS - ((io.clock ?? systemClock).now() % CODE_MS)) / 1_000);
      tell(io, `The code is wrong or was used before: wait for the next one (${String(seconds)} s).`);
    }
  }
  throw createError(`None of ${String(TRIES)} MFA codes was the right one: check the device, and its clock.`);
}

/** Asks for the code of a device. */
async function readCode(io: CliIo, serial: string): Promise<string> {
  if (!canPrompt(io)) {
    throw new UsageError(
      `AWS asks for an MFA code of ${serial}: run the command on a terminal, or open a session with the AWS CLI first.`,
    );
  }
  for (let left = TRIES; left > 0; left--) {
    const code = (await promptHidden(io, `MFA code of ${serial}: `)).trim();
    if (/^\d{6}$/.test(code)) return code;
    tell(io, 'An MFA code has six digits.');
  }
  throw createError(`None of ${String(TRIES)} answers was an MFA code: nothing was done.`);
}

/** Creates a goldkey error, because a store passes those on unchanged. */
function createError(message: string): KeyProviderError {
  return new KeyProviderError(message, { provider: 'mfa', retryable: false });
}
