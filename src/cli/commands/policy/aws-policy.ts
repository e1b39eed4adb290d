import type { PolicyFormat } from './names.js';
import type { Conditions, Grant } from './kms-grants.js';
import type { KmsArn } from './kms-arn.js';

/** Limits of a policy of AWS beside its grants. */
export interface Limits {
  readonly principals: readonly string[];
  readonly vpcEndpoints: readonly string[];
  readonly sourceIps: readonly string[];
  /** The greatest age of the MFA code in seconds; `undefined` without MFA. */
  readonly mfaAge: number | undefined;
}

interface Statement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Principal?: '*' | { readonly AWS: string | readonly string[] };
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Conditions;
}

/** Builds a policy for IAM, for the endpoint of a VPC, or, with `key`, for that key. */
export function buildAwsPolicy(format: PolicyFormat, grants: readonly Grant[], limits: Limits, key?: KmsArn): object {
  const statements = grants
    .filter(({ isIndirect, actions }) => {
      if (format === 'key-policy') return actions.every((action) => action.startsWith('kms:'));
      // These calls do not come through the caller's endpoint.
      return format !== 'vpc-endpoint' || isIndirect !== true;
    })
    .flatMap((grant) => buildStatements(format, grant, limits));
  const root = format === 'key-policy' && key !== undefined ? [buildRootStatement(key)] : [];
  return { Version: '2012-10-17', Statement: [...root, ...statements] };
}

/** Returns the statement without which IAM policies have no effect on the key, and its account could lose it. */
function buildRootStatement({ partition, account }: KmsArn): Statement {
  return {
    Sid: 'GoldkeyEnableIamPolicies',
    Effect: 'Allow',
    Principal: { AWS: `arn:${partition}:iam::${account}:root` },
    Action: 'kms:*',
    Resource: '*',
  };
}

/** A request has either an address or an endpoint: in one statement the two conditions could never both hold. */
function buildStatements(format: PolicyFormat, grant: Grant, limits: Limits): Statement[] {
  const { vpcEndpoints, sourceIps } = limits;
  const origins: { suffix: string; conditions: Conditions }[] = [];
  if (vpcEndpoints.length > 0) {
    const conditions = { StringEquals: { 'aws:SourceVpce': unwrap(vpcEndpoints) } };
    origins.push({ suffix: 'ThroughVpcEndpoint', conditions });
  }
  if (sourceIps.length > 0) {
    origins.push({ suffix: 'FromSourceIp', conditions: { IpAddress: { 'aws:SourceIp': unwrap(sourceIps) } } });
  }
  if (origins.length === 0 || grant.isIndirect === true) origins.push({ suffix: '', conditions: {} });
  const chosen = grant.isIndirect === true ? origins.slice(-1) : origins;
  return chosen.map(({ suffix, conditions }) => buildStatement(format, grant, limits, suffix, conditions));
}

function buildStatement(
  format: PolicyFormat,
  { sid, actions, resources, conditions = {}, isIndirect }: Grant,
  { principals, mfaAge }: Limits,
  suffix: string,
  origin: Conditions,
): Statement {
  const needsMfa = mfaAge !== undefined && isIndirect !== true;
  const condition = merge(
    conditions,
    origin,
    needsMfa ? buildMfaConditions(mfaAge) : {},
    // The endpoint of a gateway takes no other principal than all.
    format === 'vpc-endpoint' && principals.length > 0 ? { ArnEquals: { 'aws:PrincipalArn': unwrap(principals) } } : {},
  );
  return {
    Sid: `${sid}${suffix}`,
    Effect: 'Allow',
    ...(format === 'key-policy' && { Principal: { AWS: unwrap(principals) } }),
    ...(format === 'vpc-endpoint' && { Principal: '*' as const }),
    Action: unwrap(actions),
    // In a key's policy this is the key, and nothing else may stand there.
    Resource: format === 'key-policy' ? '*' : unwrap(resources),
    ...(Object.keys(condition).length > 0 && { Condition: condition }),
  };
}

/** A session without MFA has neither key, so that it is denied. */
function buildMfaConditions(age: number): Conditions {
  return {
    Bool: { 'aws:MultiFactorAuthPresent': 'true' },
    NumericLessThan: { 'aws:MultiFactorAuthAge': String(age) },
  };
}

function merge(...all: readonly Conditions[]): Conditions {
  const merged: Record<string, Record<string, string | readonly string[]>> = {};
  for (const conditions of all) {
    for (const [operator, keys] of Object.entries(conditions)) merged[operator] = { ...merged[operator], ...keys };
  }
  return merged;
}

/** Returns the only value in place of a list of one, as AWS itself writes policies. */
function unwrap(values: readonly string[]): string | readonly string[] {
  const [only = '', ...others] = values;
  return others.length === 0 ? only : values;
}
