import {
  checkBoolean,
  checkOptionalString,
  checkOptionNames,
  checkString,
  describeType,
  invalidRange,
  invalidType,
  isSecureTransport,
  KeyProviderError,
} from '../../core/index.js';
import { checkAwsRegion } from '../../aws/credentials.js';
import { checkDispatcher } from '../../http/dispatcher.js';
import { isPrintableAscii } from '../../util/ascii.js';
import { quotePath, toFileCause } from '../../util/quote-path.js';
import { readGuarded } from '../../util/guarded-file.js';
import { VAULT } from './errors.js';

/** How to get a token of Vault. Two thirds of the life of a login's token later it is renewed, or a new login made. */
export type VaultAuth =
  | {
      /** A token of the caller, e.g. one that Vault Agent keeps fresh. */
      method: 'token';
      /**
       * The token, or a function that returns it. The function is called before the first request, and again when Vault
       * denies the token. White space around the token is removed.
       */
      token: string | (() => string | Promise<string>);
    }
  | {
      /** A login with a role id and a secret id. */
      method: 'approle';
      /** Id of the role. */
      roleId: string;
      /** The secret id, or a function that returns it for each login. White space around it is removed. */
      secretId: string | (() => string | Promise<string>);
      /** Mount of the AppRole method. Default: `approle`. */
      mount?: string | undefined;
    }
  | {
      /** A login as the pod's service account. */
      method: 'kubernetes';
      /** The role of Vault's Kubernetes method that the service account is bound to. */
      role: string;
      /**
       * File of the service account's token, read for each login because the kubelet replaces it. Default:
       * `/var/run/secrets/kubernetes.io/serviceaccount/token`.
       */
      jwtFile?: string | undefined;
      /** Mount of the Kubernetes method. Default: `kubernetes`. */
      mount?: string | undefined;
    }
  | {
      /**
       * A login as the IAM role of a Lambda, task or pod, by a signed request that Vault sends to STS. The credentials are
       * read for each login: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, else the container's, at
       * AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or AWS_CONTAINER_CREDENTIALS_FULL_URI. Profiles and the instance role of
       * EC2 are not supported.
       */
      method: 'aws';
      /** The role of Vault's AWS method, of type `iam`, that the IAM role is bound to. */
      role: string;
      /** Mount of the AWS method. Default: `aws`. */
      mount?: string | undefined;
      /**
       * Region of the STS endpoint that the request is signed for. It must be the one that Vault's AWS method uses (its
       * `sts_endpoint`, or `use_sts_region_from_client`). `aws-global` is the endpoint without a Region, Vault's default.
       * Default: AWS_REGION, which Lambda sets, read for each login; without it `aws-global`.
       */
      region?: string | undefined;
    }
  | {
      /** A login with a JSON Web Token, e.g. a SPIFFE identity (JWT-SVID) or the token of a CI job. */
      method: 'jwt';
      /** The role of Vault's JWT method that the token's subject and audience are bound to. */
      role: string;
      /** The token, or a function that returns it for each login. Excludes `jwtFile`. */
      jwt?: string | (() => string | Promise<string>) | undefined;
      /** File of the token, read for each login because whoever issues it replaces it. Excludes `jwt`. */
      jwtFile?: string | undefined;
      /** Mount of the JWT method. Default: `jwt`. */
      mount?: string | undefined;
    }
  | {
      /** A login with a TLS client certificate, e.g. a SPIFFE identity (X.509-SVID). The address must be `https:`. */
      method: 'cert';
      /** Name of the certificate role. Default: whichever role fits the certificate. */
      name?: string | undefined;
      /** PEM file of the certificate, with its chain, read for each login because whoever issues it replaces it. */
      certFile: string;
      /** PEM file of the certificate's private key, read for each login. */
      keyFile: string;
      /** Mount of the certificate method. Default: `cert`. */
      mount?: string | undefined;
    };

/** How to reach Vault, or OpenBao, which has the same API. */
export interface VaultConnection {
  /**
   * Address of the server, e.g. `https://vault.example:8200`, with any path before `/v1`. Plain `http:` is allowed to
   * loopback only. Default: VAULT_ADDR, read at the first request.
   */
  address?: string | undefined;
  /** How to get a token. Default: the token in VAULT_TOKEN, read at the first request. */
  auth?: VaultAuth | undefined;
  /** Namespace of Vault Enterprise or OpenBao. Default: VAULT_NAMESPACE, read at the first request; else none. */
  namespace?: string | undefined;
  /**
   * PEM file of the certificate authorities to trust instead of the system's, read at the first request. Default:
   * VAULT_CACERT, else the system's.
   */
  caFile?: string | undefined;
  /**
   * A Dispatcher of undici to send the requests with, e.g. a `ProxyAgent`; it is never closed here. It decides which
   * authorities it trusts, so it excludes `caFile` and a login by certificate. Default: connections of its own.
   */
  dispatcher?: object | undefined;
  /** Allows plain `http:` to any host, which shows the token and every secret to the network. Default: false. */
  dangerouslyAllowHttp?: boolean | undefined;
}

/** A secret, or the function that returns it. */
export type VaultSecret = string | (() => unknown);

/** `auth`, checked and copied. */
export type CheckedVaultAuth =
  | { readonly method: 'token'; readonly token: VaultSecret }
  | { readonly method: 'approle'; readonly mount: string; readonly roleId: string; readonly secretId: VaultSecret }
  | { readonly method: 'kubernetes'; readonly mount: string; readonly role: string; readonly jwtFile: string }
  | { readonly method: 'aws'; readonly mount: string; readonly role: string; readonly region: string | undefined }
  | { readonly method: 'jwt'; readonly mount: string; readonly role: string; readonly jwt: VaultSecret }
  | { readonly method: 'jwt'; readonly mount: string; readonly role: string; readonly jwtFile: string }
  | {
      readonly method: 'cert';
      readonly mount: string;
      readonly name: string | undefined;
      readonly certFile: string;
      readonly keyFile: string;
    };

/** The complete settings of a connection. */
export interface VaultSettings {
  readonly address: URL;
  readonly auth: CheckedVaultAuth;
  readonly namespace: string | undefined;
  /** PEM text, unless the system's authorities are trusted. */
  readonly ca: string | undefined;
  readonly dispatcher: ReturnType<typeof checkDispatcher>;
}

const CONNECTION_OPTIONS = ['address', 'auth', 'namespace', 'caFile', 'dispatcher', 'dangerouslyAllowHttp'];

/** Makes the error for a wrong option, or for a wrong environment variable. */
type CreateError = (message: string, details?: { retryable?: boolean; cause?: unknown }) => Error;

const JWT_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** A `KeyProviderError`: a key in use stays in use, and the next request reads the environment again. */
const environmentError: CreateError = (message, details) =>
  new KeyProviderError(message, { ...details, provider: VAULT });

/**
 * Checks and copies the options of a connection; `more` are the names of the other options beside them. Returns a function
 * that completes them from the environment variables of Vault's own client, and reads the file of authorities.
 */
export function checkVaultConnection(
  of: string,
  options: VaultConnection,
  more: readonly string[] = [],
): () => Promise<VaultSettings> {
  checkOptionNames(of, options, [...CONNECTION_OPTIONS, ...more]);
  const allowHttp = checkBoolean('dangerouslyAllowHttp', options.dangerouslyAllowHttp);
  const given = checkOptionalString('address', options.address);
  const address = given === undefined ? undefined : parseAddress('`address`', given, allowHttp, invalidRange);
  const auth = options.auth === undefined ? undefined : checkAuth(options.auth);
  const namespace = checkNamespace('`namespace`', checkOptionalString('namespace', options.namespace), invalidRange);
  const givenCaFile = checkOptionalString('caFile', options.caFile);
  const dispatcher = checkDispatcher(options.dispatcher);
  if (dispatcher !== undefined && (givenCaFile !== undefined || auth?.method === 'cert')) {
    throw invalidType(
      '`dispatcher` brings its own certificates: it excludes `caFile` and a login by certificate; give them to the dispatcher, or leave it out.',
    );
  }
  return async () => {
    const caFile = dispatcher === undefined ? (givenCaFile ?? readVariable('VAULT_CACERT')) : undefined;
    return {
      address:
        address ?? parseAddress('VAULT_ADDR', requireVariable('VAULT_ADDR', 'address'), allowHttp, environmentError),
      auth: auth ?? {
        method: 'token',
        token: checkToken('VAULT_TOKEN', requireVariable('VAULT_TOKEN', 'auth'), environmentError),
      },
      namespace: namespace ?? checkNamespace('VAULT_NAMESPACE', readVariable('VAULT_NAMESPACE'), environmentError),
      ca: caFile === undefined ? undefined : await readAuthorities(caFile),
      dispatcher,
    };
  };
}

function requireVariable(name: string, option: string): string {
  const value = readVariable(name);
  if (value !== undefined) return value;
  throw environmentError(`The connection to Vault has no ${option}; give \`${option}\` or set ${name}.`);
}

/** Returns a variable, `undefined` if it is empty, as in Vault's own client. */
function readVariable(name: string): string | undefined {
  const value = process.env[name];
  return value === '' ? undefined : value;
}

/** A bundle of certificate authorities has some 200 KB. */
const MAX_FILE_BYTES = 1_000_000;

/** Reads a text file. `message` is that of the error if the file cannot be read. */
export async function readTextFile(path: string, message: string): Promise<string> {
  try {
    return Buffer.from(await readGuarded(path, MAX_FILE_BYTES, { ownerOnly: false })).toString('utf8');
  } catch (error) {
    throw environmentError(message, { cause: toFileCause(path, error) });
  }
}

async function readAuthorities(caFile: string): Promise<string> {
  const pem = await readTextFile(
    caFile,
    `The file of certificate authorities ${quotePath(caFile)} cannot be read; check \`caFile\` or VAULT_CACERT.`,
  );
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
  throw environmentError(`The file ${quotePath(caFile)} has no PEM certificate; check \`caFile\` or VAULT_CACERT.`);
}

/** Returns an address as a URL. No message shows it: a password may have been pasted into it. */
function parseAddress(name: string, address: string, allowHttp: boolean, createError: CreateError): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined) throw createError(`${name} must be an absolute URL, e.g. https://vault.example:8200.`);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw createError(`${name} must be an \`https:\` address.`);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw createError(`${name} must have no user, query or fragment.`);
  }
  // Vault would answer every request with 404, which means that there is no key.
  if (/\/v1\/*$/.test(url.pathname)) throw createError(`${name} must end before \`/v1\`.`);
  if (isSecureTransport(url) || allowHttp) return url;
  throw createError(
    `${name} must be an \`https:\` address, because a token and secrets are sent to it (\`http:\` only to loopback, or with \`dangerouslyAllowHttp\`).`,
    { retryable: false },
  );
}

function checkNamespace(name: string, namespace: string | undefined, createError: CreateError): string | undefined {
  if (namespace === undefined || isPrintableAscii(namespace)) return namespace;
  throw createError(`${name} must be made of visible ASCII characters.`);
}

function checkToken(name: string, token: string, createError: CreateError): string {
  const text = token.trim();
  if (isPrintableAscii(text)) return text;
  throw createError(`${name} must be a token of visible ASCII characters, and not empty.`);
}

function checkAuth(auth: unknown): CheckedVaultAuth {
  if (typeof auth !== 'object' || auth === null || Array.isArray(auth)) {
    throw invalidType(`\`auth\` must be an object with a \`method\`, got ${describeType(auth)}.`);
  }
  const given = auth as Readonly<Record<string, unknown>>;
  const { method } = given;
  const checkNames = (...names: string[]): void => checkOptionNames('`auth`', auth, ['method', ...names]);
  const getString = (name: string): string => checkString(`auth.${name}`, given[name]);
  const getOptional = (name: string): string | undefined => checkOptionalString(`auth.${name}`, given[name]);
  const getSecret = (name: string): VaultSecret => checkSecret(`auth.${name}`, given[name]);
  const getMount = (): string => encodePath('auth.mount', given['mount'] ?? method);
  switch (method) {
    case 'token':
      checkNames('token');
      return { method, token: getSecret('token') };
    case 'approle':
      checkNames('roleId', 'secretId', 'mount');
      return { method, mount: getMount(), roleId: getString('roleId'), secretId: getSecret('secretId') };
    case 'kubernetes':
      checkNames('role', 'jwtFile', 'mount');
      return { method, mount: getMount(), role: getString('role'), jwtFile: getOptional('jwtFile') ?? JWT_FILE };
    case 'aws': {
      checkNames('role', 'mount', 'region');
      const region = checkAwsRegion('auth.region', given['region']);
      return { method, mount: getMount(), role: getString('role'), region };
    }
    case 'jwt': {
      checkNames('role', 'jwt', 'jwtFile', 'mount');
      const common = { method, mount: getMount(), role: getString('role') } as const;
      const jwtFile = getOptional('jwtFile');
      if ((jwtFile === undefined) === (given['jwt'] === undefined)) {
        throw invalidType('`auth` must have either `jwt` or `jwtFile`.');
      }
      return jwtFile === undefined ? { ...common, jwt: getSecret('jwt') } : { ...common, jwtFile };
    }
    case 'cert': {
      checkNames('name', 'certFile', 'keyFile', 'mount');
      const files = { certFile: getString('certFile'), keyFile: getString('keyFile') };
      return { method, mount: getMount(), name: getOptional('name'), ...files };
    }
    default:
      // Not the value: it may be the token, given in the wrong place.
      throw invalidRange("`auth.method` must be 'token', 'approle', 'kubernetes', 'aws', 'jwt' or 'cert'.");
  }
}

function checkSecret(name: string, value: unknown): VaultSecret {
  if (typeof value === 'function') return value as () => unknown;
  if (typeof value === 'string') return checkToken(`\`${name}\``, value, invalidRange);
  throw invalidType(`\`${name}\` must be a string or a function that returns one, got ${describeType(value)}.`);
}

/** Returns a mount, or a path within one, for a request's path: without slashes around it, its parts encoded. */
export function encodePath(name: string, value: unknown): string {
  const text = checkOptionalString(name, value)?.replace(/^\/+|\/+$/g, '') ?? '';
  const parts = text.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw invalidRange(`\`${name}\` must be a path whose parts are neither empty nor dots, e.g. \`team/gold\`.`);
  }
  return parts.map(encodeURIComponent).join('/');
}
