import { KeyProviderError, type Clock, showText } from '../../core/index.js';
import { loadAwsCredentials, readAwsRegion } from '../../aws/credentials.js';
import { signStsRequest } from '../../aws/sts.js';
import { isPrintableAscii } from '../../util/ascii.js';
import type { CredentialScrubber } from '../../util/credential-scrubber.js';
import { quotePath } from '../../util/quote-path.js';
import { VAULT } from './errors.js';
import { getObject, type createSend, type VaultRequest } from './http.js';
import { readTextFile, type CheckedVaultAuth } from './options.js';
import { readSecret, type TokenSource, type VaultToken } from './token.js';

type LoginAuth = Exclude<CheckedVaultAuth, { method: 'token' }>;
type SendToVault = ReturnType<typeof createSend>;

const RENEWAL: VaultRequest = {
  operation: 'the renewal of the token',
  method: 'POST',
  path: 'auth/token/renew-self',
  body: {},
  accept: [],
};

/** Each method's name, and the options to check if Vault denies a login. */
const METHODS = {
  approle: {
    title: 'AppRole',
    options: '`auth.roleId`, `auth.secretId` (it may have expired or been used up), `auth.mount` and `namespace`',
  },
  kubernetes: {
    title: 'Kubernetes',
    options: '`auth.role`, the service account and namespace it is bound to, `auth.mount` and `namespace`',
  },
  aws: {
    title: 'AWS',
    options:
      "`auth.role`, the IAM role it is bound to, that the AWS credentials have not expired, `auth.region` (or AWS_REGION) against Vault's STS endpoint, this machine's clock, `auth.mount` and `namespace`",
  },
  jwt: {
    title: 'JWT',
    options:
      '`auth.role`, the subject and the audience it is bound to, that the token has not expired, `auth.mount` and `namespace`',
  },
  cert: {
    title: 'certificate',
    options:
      '`auth.name`, the names that the role accepts, that the certificate has not expired, `auth.mount` and `namespace`',
  },
};

/** Returns a source of tokens that logs in as `auth` says. `scrubber` is told the credentials that it uses. */
export function createLogin(auth: LoginAuth, send: SendToVault, scrubber: CredentialScrubber): TokenSource {
  const { title, options } = METHODS[auth.method];
  const login: VaultRequest = {
    operation: `the ${title} login`,
    method: 'POST',
    path: `auth/${auth.mount}/login`,
    loginOptions: options,
    accept: [],
  };
  const obtain = async (signal: AbortSignal, clock: Clock): Promise<VaultToken> => {
    const body = await createCredentials(auth, signal, clock, scrubber);
    const grant = await requestGrant(send, { ...login, body, signal, clock }, clock);
    return { ...grant, granted: grant.duration };
  };
  return {
    obtain,
    async renew(held, signal, clock) {
      if (!held.renewable) return obtain(signal, clock);
      try {
        const grant = await requestGrant(send, { ...RENEWAL, signal, clock }, clock, held.token);
        // Near the end of its longest life Vault prolongs a token by less and less.
        if (grant.duration >= held.granted / 2) return { ...held, ...grant, token: held.token };
      } catch {
        signal.throwIfAborted();
      }
      return obtain(signal, clock);
    },
  };
}

/** Returns the body of a login, made for each login anew. */
async function createCredentials(
  auth: LoginAuth,
  signal: AbortSignal,
  clock: Clock,
  scrubber: CredentialScrubber,
): Promise<object> {
  switch (auth.method) {
    case 'approle': {
      const secretId = await readSecret('auth.secretId', auth.secretId);
      scrubber.remember(auth.roleId, secretId);
      return { role_id: auth.roleId, secret_id: secretId };
    }
    case 'kubernetes':
    case 'jwt': {
      const jwt = 'jwt' in auth ? await readSecret('auth.jwt', auth.jwt) : await readJwt(auth);
      scrubber.remember(jwt);
      return { role: auth.role, jwt };
    }
    case 'cert':
      return auth.name === undefined ? {} : { name: auth.name };
    case 'aws': {
      const credentials = await loadAwsCredentials({ provider: VAULT, signal, clock });
      scrubber.remember(credentials.secretAccessKey, credentials.sessionToken);
      const place = { region: auth.region ?? readAwsRegion(VAULT) };
      const signed = signStsRequest('GetCallerIdentity', {}, credentials, clock.now(), place);
      const base64 = (text: string): string => Buffer.from(text).toString('base64');
      return {
        role: auth.role,
        iam_http_request_method: signed.method,
        iam_request_url: base64(signed.url),
        iam_request_body: base64(signed.body),
        iam_request_headers: base64(JSON.stringify(signed.headers)),
      };
    }
  }
}

/** Reads a token's file. Whoever issues the token (the kubelet, a SPIFFE helper) replaces it long before it expires. */
async function readJwt({ method, jwtFile }: { method: 'kubernetes' | 'jwt'; jwtFile: string }): Promise<string> {
  const [kind, more] =
    method === 'jwt' ? ['JSON Web Token', ''] : ['service account token', ', and that the pod has a service account'];
  const file = quotePath(jwtFile);
  const text = (
    await readTextFile(jwtFile, `The ${kind} ${file} cannot be read; check \`auth.jwtFile\`${more}.`)
  ).trim();
  if (isPrintableAscii(text)) return text;
  throw new KeyProviderError(`The file ${file} has no ${kind}; check \`auth.jwtFile\`.`, { provider: VAULT });
}

/** Sends a login or a renewal, and returns the token that it granted. */
async function requestGrant(
  send: SendToVault,
  request: VaultRequest,
  clock: Clock,
  held?: string,
): Promise<Omit<VaultToken, 'granted'>> {
  const start = { wall: clock.now(), monotonic: clock.monotonic() };
  const { body } = await send(request, held);
  const auth = getObject(body, 'auth');
  const token = auth?.['client_token'];
  const seconds = auth?.['lease_duration'];
  if (typeof token !== 'string' || !isPrintableAscii(token) || typeof seconds !== 'number' || !(seconds >= 0)) {
    throw new KeyProviderError(
      `Vault answered ${request.operation} (${request.method} ${showText(request.path)}) without a token; check the role, and that it does not require a second factor.`,
      { provider: VAULT },
    );
  }
  // A lease of 0 s is a token that never ends.
  const duration = seconds === 0 ? Infinity : seconds * 1_000;
  return { ...start, token, duration, renewable: auth?.['renewable'] === true };
}
