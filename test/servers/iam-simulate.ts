import { createRequire } from 'node:module';
import { join } from 'node:path';
import { installPackages } from './npm-packages.js';

/** What a request has in its context: condition keys with their values. */
export type RequestContext = Readonly<Record<string, string | readonly string[]>>;

/** A request as IAM sees it. */
export interface IamRequest {
  readonly action: string;
  readonly resource: string;
  readonly context: RequestContext;
  readonly principal?: string | undefined;
}

export interface IamPolicies {
  readonly identity?: object | undefined;
  /** The policy of the KMS key. Default: the one that leaves all to the account's IAM policies. */
  readonly key?: object | undefined;
}

/** Decides about one request; rejects if the request itself is not one that IAM knows. */
export type Simulate = (request: IamRequest, policies: IamPolicies) => Promise<'allowed' | 'denied'>;

/** Returns what KMS's conditions see of an EncryptionContext. */
export function readContext(pairs: Readonly<Record<string, string>>): RequestContext {
  const values = Object.entries(pairs).map(([name, value]) => [`kms:EncryptionContext:${name}`, value] as const);
  const names = Object.keys(pairs);
  return { ...Object.fromEntries(values), ...(names.length > 0 && { 'kms:EncryptionContextKeys': names }) };
}

interface Simulator {
  runSimulation(simulation: object, options: object): Promise<{ overallResult?: string; errors?: unknown }>;
}

/**
 * Installs the simulator of IAM policies from npm on first use, and returns it. It is not a dependency, because of its
 * licence (AGPL): it runs in tests alone. The version is pinned, because policies are rewritten for it: it drops context
 * keys that begin with `kms:EncryptionContext:`, so that these are renamed to tags of the principal, in policy and request.
 *
 * @throws {Error} whose message says what is missing and how to get it
 */
export async function installIamSimulator(): Promise<Simulate> {
  const folder = await installPackages('iam-simulate', ['@cloud-copilot/iam-simulate@0.1.173']);
  const { runSimulation } = createRequire(join(folder, 'index.js'))('@cloud-copilot/iam-simulate') as Simulator;
  return async ({ action, resource, context, principal }, { identity, key }) => {
    const [, , , , account = DEFAULT_ACCOUNT] = resource.split(':');
    const isOfKey = action.startsWith('kms:') && resource.includes(':key/');
    const simulation = {
      request: {
        principal: principal ?? `arn:aws:iam::${account}:role/gold`,
        action,
        resource: { resource, accountId: account },
        contextVariables: rename(context),
      },
      identityPolicies: identity === undefined ? [] : [{ name: 'policy', policy: rename(identity) }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(isOfKey && { resourcePolicy: rename(key ?? createDefaultKeyPolicy(account)) }),
    };
    const { overallResult, errors } = await runSimulation(simulation, {});
    if (overallResult === undefined) throw new Error(`${action} on ${resource}: ${JSON.stringify(errors)}`);
    return overallResult === 'Allowed' ? 'allowed' : 'denied';
  };
}

/** The account of requests without a resource, such as CreateKey. */
const DEFAULT_ACCOUNT = '111122223333';

function createDefaultKeyPolicy(account: string): object {
  const root = { AWS: `arn:aws:iam::${account}:root` };
  return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: root, Action: 'kms:*', Resource: '*' }] };
}

function rename<T extends object>(value: T): T {
  return JSON.parse(JSON.stringify(value).replaceAll('"kms:EncryptionContext:', '"aws:PrincipalTag/')) as T;
}
