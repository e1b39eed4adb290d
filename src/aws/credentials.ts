import {
  checkOptionalString,
  invalidRange,
  isSecureTransport,
  KeyProviderError,
  KeyTimeoutError,
  tryOrUndefined,
  type Clock,
} from '../core/index.js';
import { NodeHttp } from '../http/node-http.js';
import { isPrintableAscii } from '../util/ascii.js';
import { withDeadline } from '../util/deadline.js';
import { parseErrorName } from '../util/error-name.js';
import { readGuarded } from '../util/guarded-file.js';
import { readVariable } from './environment.js';
import type { AwsCredentials } from './sigv4.js';

export interface CredentialsRequest {
  readonly provider: string;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

const TIMEOUT_MS = 2_000;
const MAX_BODY_BYTES = 65_536;
/** The endpoint of ECS, to which a relative URI belongs. */
const ECS = 'http://169.254.170.2';
/** Addresses of ECS and of EKS Pod Identity: routers do not forward link-local addresses. */
const LINK_LOCAL = ['169.254.170.2', '169.254.170.23', '[fd00:ec2::23]'];
const ENDPOINT = "The endpoint of the container's credentials";
const URI_VARIABLES = 'AWS_CONTAINER_CREDENTIALS_FULL_URI or AWS_CONTAINER_CREDENTIALS_RELATIVE_URI';

/**
 * Loads the current credentials from where Lambda, ECS and EKS put them. They are replaced within hours, so they are not
 * kept. Every failure is a `KeyProviderError`: wrong credentials do not make the key wrong.
 */
export async function loadAwsCredentials(request: CredentialsRequest): Promise<AwsCredentials> {
  const credentials = readEnvironmentCredentials(request.provider) ?? (await fetchContainerCredentials(request));
  if (credentials !== undefined) return credentials;
  throw new KeyProviderError(
    'There are no AWS credentials: neither AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY is set, nor AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or AWS_CONTAINER_CREDENTIALS_FULL_URI.',
    { provider: request.provider },
  );
}

/** Returns the credentials in the environment, where Lambda puts them. */
export function readEnvironmentCredentials(provider: string): AwsCredentials | undefined {
  const [accessKeyId, secretAccessKey] = [readVariable('AWS_ACCESS_KEY_ID'), readVariable('AWS_SECRET_ACCESS_KEY')];
  // One without the other is ignored, as the AWS SDK does.
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  const credentials = { accessKeyId, secretAccessKey, sessionToken: readVariable('AWS_SESSION_TOKEN') };
  if (isAwsCredentials(credentials)) return credentials;
  throw new KeyProviderError(
    'AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN must be made of visible ASCII characters.',
    { provider },
  );
}

/**
 * Fetches the credentials of an ECS task or an EKS pod. Resolves to `undefined` elsewhere. No message and no cause holds
 * the endpoint's address, whose path names the credentials on ECS, nor anything sent or received.
 */
export async function fetchContainerCredentials(request: CredentialsRequest): Promise<AwsCredentials | undefined> {
  const { provider, clock, signal } = request;
  const url = findContainerEndpoint(provider);
  if (url === undefined) return undefined;
  const token = await readAuthorizationToken(provider);
  const late = (): Error =>
    new KeyTimeoutError(`${ENDPOINT} did not answer within 2 s; check the network.`, { provider });
  const { status, text } = await withDeadline({ ms: TIMEOUT_MS, clock, late, signals: [signal] }, (ended) =>
    sendRequest(url, token, ended, provider),
  );
  const credentials = status === 200 ? parseCredentials(text) : undefined;
  if (credentials !== undefined) return credentials;
  const problem =
    status === 200
      ? `without credentials; check ${URI_VARIABLES}`
      : `with status ${String(status)}; check the role of the task or pod, and its authorization token`;
  throw new KeyProviderError(`${ENDPOINT} answered ${problem}.`, { provider });
}

/** Returns whether `text` can be the name of a Region. It becomes part of a host name. */
export function isAwsRegion(text: string): boolean {
  return /^[a-z\d]+(?:-[a-z\d]+)+$/.test(text);
}

/** Returns an optional Region, given as option `name`. */
export function checkAwsRegion(name: string, value: unknown): string | undefined {
  const region = checkOptionalString(name, value);
  if (region === undefined || isAwsRegion(region)) return region;
  throw invalidRange(`\`${name}\` must be the name of an AWS Region, e.g. \`eu-west-1\`.`);
}

/** Returns the Region of this function or container, if AWS_REGION names it. */
export function readAwsRegion(provider: string): string | undefined {
  const region = readVariable('AWS_REGION');
  if (region === undefined || isAwsRegion(region)) return region;
  throw new KeyProviderError('AWS_REGION must be the name of a region, e.g. eu-west-1.', { provider });
}

/** Returns whether `value` has the form of credentials: signing needs visible ASCII, and `expiration` a Date. */
export function isAwsCredentials(value: unknown): value is AwsCredentials {
  if (typeof value !== 'object' || value === null) return false;
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = value as Partial<AwsCredentials>;
  return (
    isPrintableAscii(accessKeyId) &&
    isPrintableAscii(secretAccessKey) &&
    (sessionToken === undefined || isPrintableAscii(sessionToken)) &&
    // The tag, because a Date may belong to another realm, as in a test under Jest.
    (expiration === undefined || Object.prototype.toString.call(expiration) === '[object Date]')
  );
}

function findContainerEndpoint(provider: string): URL | undefined {
  // The AWS SDK too takes the relative URI before the full one, and the token's file before the token.
  const path = readVariable('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI');
  const uri = path === undefined ? readVariable('AWS_CONTAINER_CREDENTIALS_FULL_URI') : `${ECS}${path}`;
  if (uri === undefined) return undefined;
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (url !== undefined && (isSecureTransport(url) || (url.protocol === 'http:' && LINK_LOCAL.includes(url.hostname))))
    return url;
  throw new KeyProviderError(
    `AWS credentials are fetched over https, from loopback or from an address of ECS and EKS (169.254.170.2, 169.254.170.23, fd00:ec2::23) only; check ${URI_VARIABLES}.`,
    { provider, retryable: false },
  );
}

async function readAuthorizationToken(provider: string): Promise<string | undefined> {
  let token = readVariable('AWS_CONTAINER_AUTHORIZATION_TOKEN');
  const file = readVariable('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE');
  if (file !== undefined) {
    try {
      // Read each time, because EKS replaces it.
      token = Buffer.from(await readGuarded(file, MAX_BODY_BYTES, { ownerOnly: false }))
        .toString('utf8')
        .trim();
    } catch (error) {
      throw new KeyProviderError('The file in AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE cannot be read.', {
        cause: error,
        provider,
      });
    }
  }
  // A scheme may precede it.
  if (token === undefined || token.split(' ').every(isPrintableAscii)) return token;
  throw new KeyProviderError(
    'The token in AWS_CONTAINER_AUTHORIZATION_TOKEN, or in the file of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, must be made of visible ASCII characters.',
    { provider },
  );
}

async function sendRequest(
  { origin, pathname, search }: URL,
  token: string | undefined,
  signal: AbortSignal,
  provider: string,
) {
  const http = new NodeHttp(origin, { maxSockets: 1 });
  const headers = { accept: 'application/json', ...(token === undefined ? {} : { authorization: token }) };
  try {
    const request = { origin, path: `${pathname}${search}`, method: 'GET', headers, signal };
    return await http.send(request, MAX_BODY_BYTES);
  } catch (error) {
    signal.throwIfAborted();
    const code = parseErrorName((error as { code?: unknown }).code);
    throw new KeyProviderError(
      `${ENDPOINT} could not be reached${code === undefined ? '' : ` (${code})`}; check ${URI_VARIABLES}.`,
      // An error of Node's HTTP parser quotes the bytes that it could not read.
      { provider, ...(code?.startsWith('HPE_') === true ? {} : { cause: error }) },
    );
  } finally {
    http.close();
  }
}

/** Returns the credentials in an answer, or `undefined`. The JSON parser's error is dropped, because it quotes the text. */
function parseCredentials(text: string): AwsCredentials | undefined {
  const answer = tryOrUndefined(() => JSON.parse(text) as Readonly<Record<string, unknown>> | null);
  const ends = Date.parse(String(answer?.['Expiration']));
  const credentials = {
    accessKeyId: answer?.['AccessKeyId'],
    secretAccessKey: answer?.['SecretAccessKey'],
    sessionToken: answer?.['Token'] ?? undefined,
    expiration: Number.isNaN(ends) ? undefined : new Date(ends),
  };
  return isAwsCredentials(credentials) ? credentials : undefined;
}
