import { readFile } from 'node:fs/promises';
import { KeyProviderError, type Clock } from '../../core/index.js';
import { loadAwsCredentials, readAwsRegion } from '../../aws/credentials.js';
import { signCallerIdentity } from '../../aws/signature.js';
import { VAULT, type VaultCall } from './failures.js';
import type { CheckedVaultAuth } from './options.js';
import { readSecret, singleFlight, type VaultSession, type VaultToken } from './token.js';
import type { Exchange, VaultAnswer } from './http.js';
import { isPrintableAscii } from '../../util/ascii.js';

/** A way to log in. */
export interface VaultLogin {
  /** In words, e.g. `the AppRole login`. */
  readonly what: string;
  /** Below `/v1/`. */
  readonly path: string;
  /** What to check when Vault refuses it. */
  readonly check: string;
  /** What is sent, made for each login; `signal` ends the wait for it. */
  credentials(signal: AbortSignal, clock: Clock): Promise<object>;
}

/** A token that came from a login, with the time it was asked for: its life began no earlier. */
interface Lease extends VaultToken {
  readonly wall: number;
  readonly mono: number;
  /** In ms; Infinity when it never ends. */
  readonly life: number;
  /** The life that the login gave. */
  readonly granted: number;
  readonly renewable: boolean;
}

const RENEWAL: VaultCall = { what: "the token's renewal", method: 'POST', path: 'auth/token/renew-self' };

/** How to log in where the options say so. */
export function loginOf(auth: Exclude<CheckedVaultAuth, { method: 'token' }>): VaultLogin {
  switch (auth.method) {
    case 'approle':
      return appRole(auth);
    case 'kubernetes':
      return kubernetes(auth);
    case 'aws':
      return aws(auth);
  }
}

function appRole(auth: Extract<CheckedVaultAuth, { method: 'approle' }>): VaultLogin {
  const { roleId, secretId, mount } = auth;
  return {
    what: 'the AppRole login',
    path: `auth/${mount}/login`,
    check: '`auth.roleId`, `auth.secretId` (it may have expired or been used up), `auth.mount` and `namespace`',
    credentials: async () => ({ role_id: roleId, secret_id: await readSecret('auth.secretId', secretId) }),
  };
}

function kubernetes(auth: Extract<CheckedVaultAuth, { method: 'kubernetes' }>): VaultLogin {
  const { role, jwtFile, mount } = auth;
  return {
    what: 'the Kubernetes login',
    path: `auth/${mount}/login`,
    check: '`auth.role`, the service account and namespace it is bound to, `auth.mount` and `namespace`',
    credentials: async () => ({ role, jwt: await readJwt(jwtFile) }),
  };
}

function aws(auth: Extract<CheckedVaultAuth, { method: 'aws' }>): VaultLogin {
  const { role, mount, region } = auth;
  return {
    what: 'the AWS login',
    path: `auth/${mount}/login`,
    check:
      "`auth.role`, the IAM role it is bound to, that the AWS credentials have not expired, `auth.region` (or AWS_REGION) against Vault's STS endpoint, this machine's clock, `auth.mount` and `namespace`",
    async credentials(signal, clock) {
      const credentials = await loadAwsCredentials({ provider: VAULT, signal, clock });
      const signed = await signCallerIdentity(credentials, clock.now(), region ?? readAwsRegion(VAULT));
      return {
        role,
        iam_http_request_method: signed.method,
        iam_request_url: base64(signed.url),
        iam_request_body: base64(signed.body),
        iam_request_headers: base64(JSON.stringify(signed.headers)),
      };
    },
  };
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** The token of the pod's service account now: the kubelet replaces it long before it expires. */
async function readJwt(file: string): Promise<string> {
  let text: string;
  try {
    text = (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new KeyProviderError(
      `The service account's token \`${file}\` cannot be read; check \`auth.jwtFile\`, and that the pod has a service account.`,
      { cause: error, provider: VAULT },
    );
  }
  if (isPrintableAscii(text)) return text;
  throw new KeyProviderError(`The file \`${file}\` holds no service account's token; check \`auth.jwtFile\`.`, {
    provider: VAULT,
  });
}

/**
 * Tokens that come from a login. The first request after two thirds of a token's life has it renewed, behind that request;
 * no timer does, so that an idle process ends and a frozen one misses nothing.
 */
export function loginSession(login: VaultLogin, exchange: Exchange, closing: AbortSignal): VaultSession {
  let lease: Lease | undefined;
  const fly = singleFlight<Lease>(closing);

  // Kept when the flight is over and not by its work, which may come late, after the next one.
  const logIn = async (clock: Clock): Promise<Lease> => (lease = await fly(clock, (signal) => loggedIn(signal, clock)));

  const loggedIn = async (signal: AbortSignal, clock: Clock): Promise<Lease> => {
    const body = await login.credentials(signal, clock);
    const at = { wall: clock.now(), mono: clock.monotonic() };
    const call = { what: login.what, method: 'POST', path: login.path, login: login.check };
    const { token, life, renewable } = grantIn(await exchange({ call, body, signal, clock }), call);
    return { ...at, token, life, granted: life, renewable };
  };

  const renewed = async (held: Lease, signal: AbortSignal, clock: Clock): Promise<Lease> => {
    if (!held.renewable) return loggedIn(signal, clock);
    const at = { wall: clock.now(), mono: clock.monotonic() };
    try {
      const answer = await exchange({ call: RENEWAL, body: {}, token: held.token, signal, clock });
      const { life, renewable } = grantIn(answer, RENEWAL);
      // Near its longest life a token is renewed by ever shorter steps.
      if (life >= held.granted / 2) return { ...held, ...at, life, renewable };
    } catch {
      signal.throwIfAborted();
    }
    return loggedIn(signal, clock);
  };

  return {
    async token(clock) {
      const held = lease;
      if (held === undefined) return logIn(clock);
      // A monotonic clock stands still while a Lambda is frozen, a wall clock can be set back: the later of the two counts.
      const age = Math.max(clock.now() - held.wall, clock.monotonic() - held.mono);
      if (age >= held.life) return logIn(clock);
      if (age >= (held.life * 2) / 3) {
        fly(clock, (signal) => renewed(held, signal, clock)).then(
          (next) => (lease = next),
          // The token is good for a while, and the next request tries again.
          () => undefined,
        );
      }
      return held;
    },
    // Somebody else's request may have been refused, and have logged in, before.
    another: async (refused, clock) =>
      lease !== undefined && lease.token !== refused.token ? lease : await logIn(clock),
  };
}

/** What a login or a renewal granted. */
function grantIn({ body }: VaultAnswer, call: VaultCall): { token: string; life: number; renewable: boolean } {
  const auth = (body as { auth?: unknown } | null | undefined)?.auth as
    Readonly<Record<string, unknown>> | null | undefined;
  const token = auth?.['client_token'];
  const seconds = auth?.['lease_duration'];
  if (typeof token !== 'string' || !isPrintableAscii(token) || typeof seconds !== 'number' || !(seconds >= 0)) {
    throw new KeyProviderError(
      `Vault answered ${call.what} (${call.method} ${call.path}) without a token; check the role, and that it asks for no second factor.`,
      { provider: VAULT },
    );
  }
  // 0 is a token without an end.
  return { token, life: seconds === 0 ? Infinity : seconds * 1_000, renewable: auth?.['renewable'] === true };
}
