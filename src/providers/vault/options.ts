import {
  checkOptionNames,
  invalidRange,
  invalidType,
  isLoopback,
  describeType,
  checkOptionalFunction,
  checkOptionalString,
  checkString,
} from '../../core/index.js';
import { isAwsRegion } from '../../aws/signature.js';
import { isPrintableAscii } from '../../util/ascii.js';

/** How to get a token of Vault. */
export type VaultAuth =
  | {
      /** A token from elsewhere, e.g. one that Vault Agent keeps fresh. */
      method: 'token';
      /**
       * The token, or a function that reads it: asked before the first request, and again when Vault refuses the one it
       * gave. Space around it is cut off.
       */
      token: string | (() => string | Promise<string>);
    }
  | {
      /** Logs in with a role id and a secret id; the token is renewed at two thirds of its life, or logged in anew. */
      method: 'approle';
      roleId: string;
      /** The secret id, or a function that reads it before each login. Space around it is cut off. */
      secretId: string | (() => string | Promise<string>);
      /** Where the AppRole method is mounted. Default `approle`. */
      mount?: string | undefined;
    }
  | {
      /** Logs in as the pod's service account; the token is renewed at two thirds of its life, or logged in anew. */
      method: 'kubernetes';
      /** The role of Vault's Kubernetes method that the service account is bound to. */
      role: string;
      /**
       * File of the service account's token, read before each login, because the kubelet replaces it. Default
       * `/var/run/secrets/kubernetes.io/serviceaccount/token`.
       */
      jwtFile?: string | undefined;
      /** Where the Kubernetes method is mounted. Default `kubernetes`. */
      mount?: string | undefined;
    }
  | {
      /**
       * Logs in as the IAM role of a Lambda, task or pod, by a signed request to STS that Vault sends on; the token is
       * renewed at two thirds of its life, or logged in anew. The credentials are read before each login: AWS_ACCESS_KEY_ID,
       * AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, else those of the container, from where
       * AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or AWS_CONTAINER_CREDENTIALS_FULL_URI leads. Profiles and the instance role
       * of EC2 are not looked at.
       */
      method: 'aws';
      /** The role of Vault's AWS method, of type `iam`, that the IAM role is bound to. */
      role: string;
      /** Where the AWS method is mounted. Default `aws`. */
      mount?: string | undefined;
      /**
       * Region of the STS endpoint that the request is signed for, which must be the one that Vault's AWS method is set up
       * with (its `sts_endpoint`, or `use_sts_region_from_client`). `aws-global` is the endpoint without a region, Vault's
       * default. Default: AWS_REGION, which Lambda sets, read before each login; without it `aws-global`.
       */
      region?: string | undefined;
    };

/** How to get to Vault, or to OpenBao, which speaks the same protocol. */
export interface VaultConnection {
  /**
   * Address of the server, e.g. `https://vault.example:8200`; it may have a path in front of `/v1`. Plain `http:` is
   * refused except to loopback. Default: VAULT_ADDR, read at the first request.
   */
  address?: string | undefined;
  /** Default: the token in VAULT_TOKEN, read at the first request. */
  auth?: VaultAuth | undefined;
  /** Namespace of Vault Enterprise or OpenBao. Default: VAULT_NAMESPACE, read at the first request. */
  namespace?: string | undefined;
  /**
   * PEM file of the certificate authorities to trust instead of the system's. Default: VAULT_CACERT; read at the first
   * request.
   */
  caFile?: string | undefined;
  /** Lets the token and every secret travel over plain `http:` to any host. Default false. */
  dangerouslyAllowHttp?: boolean | undefined;
}

/** A secret, or what gives it. */
export type VaultSecret = string | (() => unknown);

/** `auth`, checked and copied. */
export type CheckedVaultAuth =
  | { readonly method: 'token'; readonly token: VaultSecret }
  | { readonly method: 'approle'; readonly roleId: string; readonly secretId: VaultSecret; readonly mount: string }
  | { readonly method: 'kubernetes'; readonly role: string; readonly jwtFile: string; readonly mount: string }
  | { readonly method: 'aws'; readonly role: string; readonly mount: string; readonly region: string | undefined };

/** A connection's options, checked and copied; what is `undefined` is looked for in the environment. */
export interface CheckedVaultConnection {
  readonly address: URL | undefined;
  readonly auth: CheckedVaultAuth | undefined;
  readonly namespace: string | undefined;
  readonly caFile: string | undefined;
  readonly dangerouslyAllowHttp: boolean;
}

const JWT_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token';
const NAMES = ['address', 'auth', 'namespace', 'caFile', 'dangerouslyAllowHttp'] as const;

/** Checks a connection's options, with the names of all others that are known beside them. */
export function checkVaultConnection(
  of: string,
  options: VaultConnection,
  more: readonly string[] = [],
): CheckedVaultConnection {
  checkOptionNames(of, options, [...NAMES, ...more]);
  const { dangerouslyAllowHttp = false } = options;
  if (typeof dangerouslyAllowHttp !== 'boolean') {
    throw invalidType(`\`dangerouslyAllowHttp\` must be a boolean, got ${describeType(dangerouslyAllowHttp)}.`);
  }
  const address = checkOptionalString('address', options.address);
  const namespace = checkOptionalString('namespace', options.namespace);
  if (namespace !== undefined && !isPrintableAscii(namespace)) {
    throw invalidRange('`namespace` must be made of visible ASCII characters.');
  }
  return Object.freeze({
    address: address === undefined ? undefined : checkAddress(address, dangerouslyAllowHttp),
    auth: options.auth === undefined ? undefined : checkAuth(options.auth),
    namespace,
    caFile: checkOptionalString('caFile', options.caFile),
    dangerouslyAllowHttp,
  });
}

function checkAddress(address: string, allowHttp: boolean): URL {
  const url = parsedAddress(address);
  if (typeof url === 'string') throw invalidRange(`\`address\` ${url}.`);
  if (isPlainHttp(url) && !allowHttp) {
    throw invalidRange(
      '`address` must be an `https:` address: a token and secrets travel to it (`http:` only to loopback, or with `dangerouslyAllowHttp`).',
    );
  }
  return url;
}

/** An address, or what is wrong with it. Its value is in no message: it may have a password pasted into it. */
export function parsedAddress(address: string): URL | string {
  if (!URL.canParse(address)) return 'must be an absolute URL, e.g. https://vault.example:8200';
  const url = new URL(address);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must be an `https:` address';
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    return 'must have no user, query or fragment';
  }
  // Every request would be answered with 404, which reads as "there is no key".
  if (/\/v1\/*$/.test(url.pathname)) return 'must end before `/v1`';
  return url;
}

/** Whether what is sent there can be read on its way. */
export function isPlainHttp(url: URL): boolean {
  return url.protocol === 'http:' && !isLoopback(url.hostname);
}

function checkAuth(auth: unknown): CheckedVaultAuth {
  if (typeof auth !== 'object' || auth === null || Array.isArray(auth)) {
    throw invalidType(`\`auth\` must be an object with a \`method\`, got ${describeType(auth)}.`);
  }
  const given = auth as Readonly<Record<string, unknown>>;
  switch (given['method']) {
    case 'token':
      checkOptionNames('`auth`', auth, ['method', 'token']);
      return Object.freeze({ method: 'token', token: secret('auth.token', given['token']) });
    case 'approle': {
      checkOptionNames('`auth`', auth, ['method', 'roleId', 'secretId', 'mount']);
      return Object.freeze({
        method: 'approle',
        roleId: checkString('auth.roleId', given['roleId']),
        secretId: secret('auth.secretId', given['secretId']),
        mount: vaultPath('auth.mount', given['mount'] ?? 'approle'),
      });
    }
    case 'kubernetes':
      checkOptionNames('`auth`', auth, ['method', 'role', 'jwtFile', 'mount']);
      return Object.freeze({
        method: 'kubernetes',
        role: checkString('auth.role', given['role']),
        jwtFile: checkOptionalString('auth.jwtFile', given['jwtFile']) ?? JWT_FILE,
        mount: vaultPath('auth.mount', given['mount'] ?? 'kubernetes'),
      });
    case 'aws':
      checkOptionNames('`auth`', auth, ['method', 'role', 'mount', 'region']);
      return Object.freeze({
        method: 'aws',
        role: checkString('auth.role', given['role']),
        mount: vaultPath('auth.mount', given['mount'] ?? 'aws'),
        region: optionalRegion('auth.region', given['region']),
      });
    default:
      // Not the value: it may be the token, put into the wrong place.
      throw invalidRange("`auth.method` must be 'token', 'approle', 'kubernetes' or 'aws'.");
  }
}

function optionalRegion(name: string, value: unknown): string | undefined {
  const text = checkOptionalString(name, value);
  if (text === undefined || isAwsRegion(text)) return text;
  throw invalidRange(`\`${name}\` must be the name of a region, e.g. eu-west-1.`);
}

function secret(name: string, value: unknown): VaultSecret {
  if (typeof value === 'function') return checkOptionalFunction(name, value as () => unknown) as () => unknown;
  if (typeof value !== 'string') {
    throw invalidType(`\`${name}\` must be a string or a function that returns one, got ${describeType(value)}.`);
  }
  const text = value.trim();
  if (!isPrintableAscii(text))
    throw invalidRange(`\`${name}\` must be a token of visible ASCII characters, and not empty.`);
  return text;
}

/** A mount or a path within one, as it goes into a request's path: without slashes around it, its parts encoded. */
export function vaultPath(name: string, value: unknown): string {
  const text = checkOptionalString(name, value)?.replace(/^\/+|\/+$/g, '') ?? '';
  const parts = text.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw invalidRange(`\`${name}\` must be a path whose parts are neither empty nor dots, e.g. \`team/gold\`.`);
  }
  return parts.map(encodeURIComponent).join('/');
}
