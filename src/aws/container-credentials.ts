import { isSecureTransport, KeyProviderError, KeyTimeoutError, type Clock } from '../core/index.js';
import { NodeHttp } from '../http/node-http.js';
import type { AwsCredentials } from './signature.js';
import { isPrintableAscii } from '../util/ascii.js';
import { withDeadline } from '../util/deadline.js';

/** Who asks for credentials, and what ends that. */
export interface CredentialsRequest {
  /** The key store's name, for errors. */
  readonly provider: string;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

/** Where a container asks for its credentials. */
export interface ContainerEndpoint extends CredentialsRequest {
  readonly uri: string;
  readonly token: string | undefined;
  /** Read each time, because EKS replaces it; before `token`. */
  readonly tokenFile: string | undefined;
}

const TIMEOUT = 2_000;
const MAX_BODY_BYTES = 65_536;
/** Of ECS and of EKS's Pod Identity: addresses that no router passes on. */
const LINK_LOCAL = ['169.254.170.2', '169.254.170.23', '[fd00:ec2::23]'];
const WHERE = 'AWS_CONTAINER_CREDENTIALS_FULL_URI or AWS_CONTAINER_CREDENTIALS_RELATIVE_URI';

/**
 * One question to the endpoint of a container's credentials. No message and no cause holds its address, whose path names
 * the credentials on ECS, nor what was sent or came back.
 */
export async function containerCredentials(endpoint: ContainerEndpoint): Promise<AwsCredentials> {
  const { provider, clock, signal } = endpoint;
  const url = checkedUrl(endpoint);
  const authorization = await authorizationOf(endpoint);
  const late = (): Error =>
    new KeyTimeoutError("The endpoint of the container's credentials did not answer within 2 s; check the network.", {
      provider,
    });
  const { status, text } = await withDeadline({ ms: TIMEOUT, clock, late, signals: [signal] }, (ended) =>
    asked(url, authorization, ended, provider),
  );
  if (status !== 200) {
    throw new KeyProviderError(
      `The endpoint of the container's credentials answered with status ${String(status)}; check the role of the task or pod, and its authorization token.`,
      { provider },
    );
  }
  const credentials = credentialsIn(text);
  if (credentials !== undefined) return credentials;
  throw new KeyProviderError(
    `The endpoint of the container's credentials answered without credentials; check ${WHERE}.`,
    { provider },
  );
}

function checkedUrl({ uri, provider }: ContainerEndpoint): URL {
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (url !== undefined && (isSecureTransport(url) || (url.protocol === 'http:' && LINK_LOCAL.includes(url.hostname))))
    return url;
  throw new KeyProviderError(
    `AWS credentials are fetched over https, from loopback or from an address of ECS and EKS (169.254.170.2, 169.254.170.23, fd00:ec2::23) only; check ${WHERE}.`,
    { provider, retryable: false },
  );
}

async function authorizationOf({ token, tokenFile, provider }: ContainerEndpoint): Promise<string | undefined> {
  let text = token;
  if (tokenFile !== undefined) {
    try {
      text = (await process.getBuiltinModule('node:fs/promises').readFile(tokenFile, 'utf8')).trim();
    } catch (error) {
      throw new KeyProviderError('The file in AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE cannot be read.', {
        cause: error,
        provider,
      });
    }
  }
  // A scheme may stand before it.
  if (text === undefined || text.split(' ').every(isPrintableAscii)) return text;
  throw new KeyProviderError(
    'The token in AWS_CONTAINER_AUTHORIZATION_TOKEN, or in the file of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, must be made of visible ASCII characters.',
    { provider },
  );
}

async function asked(
  { origin, pathname, search }: URL,
  authorization: string | undefined,
  signal: AbortSignal,
  provider: string,
): Promise<{ status: number; text: string }> {
  const http = new NodeHttp(origin, { maxSockets: 1 });
  const headers = { accept: 'application/json', ...(authorization === undefined ? {} : { authorization }) };
  try {
    const request = { origin, path: `${pathname}${search}`, method: 'GET', headers, signal };
    return await http.send(request, MAX_BODY_BYTES);
  } catch (error) {
    signal.throwIfAborted();
    const { code } = error as { code?: unknown };
    const reason = typeof code === 'string' && /^[A-Z][A-Z\d_]{0,63}$/.test(code) ? ` (${code})` : '';
    throw new KeyProviderError(
      `The endpoint of the container's credentials could not be reached${reason}; check ${WHERE}.`,
      // A parser's error quotes what it could not read.
      { provider, ...(typeof code === 'string' && code.startsWith('HPE_') ? {} : { cause: error }) },
    );
  } finally {
    http.close();
  }
}

/** Never the parser's error: it quotes the text. */
function credentialsIn(text: string): AwsCredentials | undefined {
  let answer: Readonly<Record<string, unknown>> | null;
  try {
    answer = JSON.parse(text) as typeof answer;
  } catch {
    return undefined;
  }
  const [accessKeyId, secretAccessKey] = [answer?.['AccessKeyId'], answer?.['SecretAccessKey']];
  const sessionToken = answer?.['Token'] ?? undefined;
  if (!isText(accessKeyId) || !isText(secretAccessKey)) return undefined;
  if (sessionToken !== undefined && !isText(sessionToken)) return undefined;
  const ends = Date.parse(String(answer?.['Expiration']));
  const expiration = Number.isNaN(ends) ? undefined : new Date(ends);
  return { accessKeyId, secretAccessKey, sessionToken, expiration };
}

const isText = (value: unknown): value is string => typeof value === 'string' && isPrintableAscii(value);
