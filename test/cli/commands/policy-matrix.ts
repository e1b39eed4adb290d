import type { POLICY_ROLES } from '../../../src/cli/commands/policy/names.js';
import { run, type Ran } from '../run.js';

export const ACCOUNT = '111122223333';
export const KEY_ARN = `arn:aws:kms:eu-central-1:${ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
export const READER = `arn:aws:iam::${ACCOUNT}:role/gold-reader`;
export const CONTEXT = { service: 'gold-data-stream', environment: 'production' };
export const context = ['--encryption-context', JSON.stringify(CONTEXT)];

export type Conditions = Record<string, Record<string, string | string[]>>;

export interface Statement {
  Sid: string;
  Effect: string;
  Principal?: string | { AWS: string | string[] };
  Action: string | string[];
  Resource: string | string[];
  Condition?: Conditions;
}

export interface Policy {
  Version: string;
  Statement: Statement[];
}

/** Runs `goldkey policy`. */
export function printPolicy(...argv: readonly string[]): Promise<Ran> {
  return run(['policy', ...argv]);
}

/** Runs `goldkey policy` for AWS, and returns the policy. */
export async function readPolicy(...argv: readonly string[]): Promise<Policy> {
  const { code, stdout, stderr } = await printPolicy(...argv);
  if (code !== 0) throw new Error(`goldkey policy ${argv.join(' ')} ended with ${String(code)}: ${stderr}`);
  return JSON.parse(stdout) as Policy;
}

const ROLES = ['reader', 'writer', 'rotator', 'doctor', 'creator'] satisfies (typeof POLICY_ROLES)[number][];
const STORES = [[], ['--store', 'secrets-manager://prod/gold#apiKey'], ['--store', 'ssm:///prod/gold']];
const RINGS = [[], ['--ring', 'gold'], ['--ring', 'dynamodb://key-rings/gold']];
const LIMITS = [
  [],
  ['--vpc-endpoint', 'vpce-0a1b2c3d4e5f67890'],
  ['--source-ip', '203.0.113.0/24', '--source-ip', '198.51.100.0/25'],
  ['--vpc-endpoint', 'vpce-0a1b2c3d', '--vpc-endpoint', 'vpce-0a1b2c3e', '--source-ip', '203.0.113.7'],
];
const FORMATS = [
  ['--format', 'iam'],
  ['--format', 'key-policy', '--principal', READER, '--principal', `arn:aws:iam::${ACCOUNT}:user/ops/ada`],
  ['--format', 'vpc-endpoint', '--principal', READER],
  ['--format', 'vpc-endpoint'],
];

/** Every combination of options that makes a policy of AWS. */
export const AWS_COMBINATIONS: string[][] = ROLES.flatMap((role) =>
  FORMATS.flatMap((format) =>
    STORES.flatMap((store) =>
      RINGS.flatMap((ring) =>
        LIMITS.flatMap((limits) =>
          [[], ['--require-mfa', '--max-mfa-age', '15m'], ['--report-use']].map((more) => [
            ...['--for', role, ...format, '--key-id', KEY_ARN, ...context, ...store, ...ring, ...limits, ...more],
          ]),
        ),
      ),
    ),
  ),
).filter((argv) => {
  const has = (...options: string[]): boolean => options.every((option) => argv.includes(option));
  if (has('reader', '--require-mfa') || has('creator', 'key-policy') || has('creator', '--store')) return false;
  if (has('vpc-endpoint', '--source-ip')) return false;
  return !has('--report-use') || has('reader', 'dynamodb://key-rings/gold');
});
