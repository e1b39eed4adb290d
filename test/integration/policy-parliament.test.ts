import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeFile } from 'node:fs/promises';
import { AWS_COMBINATIONS, KEY_ARN, readPolicy, type Policy } from '../cli/commands/policy-matrix.js';
import { temporaryFolder } from '../cli/run.js';
import { orSkip } from '../servers/or-skip.js';
import { installPython } from '../servers/python.js';

const run = promisify(execFile);
const found = await orSkip(() => installPython('parliament-1.6.4', 'parliament==1.6.4'));

/** Judges one policy a line, and prints its findings as a line of JSON. */
const JUDGE = `
import json, sys
from parliament import analyze_policy_string
for line in open(sys.argv[1]):
    found = analyze_policy_string(line).findings
    print(json.dumps([[finding.issue, str(finding.detail)] for finding in found]))
`;

describe.skipIf(found.skipped !== undefined)(`policies as parliament judges them ${found.skipped ?? ''}`, () => {
  const programs = found.server as string;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeAll(async () => {
    folder = await temporaryFolder();
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  async function judge(policies: readonly object[]): Promise<unknown[][]> {
    const file = join(folder.path, 'policies');
    await writeFile(file, policies.map((policy) => JSON.stringify(policy)).join('\n'));
    const { stdout } = await run(join(programs, 'python'), ['-c', JUDGE, file], { maxBuffer: 16_777_216 });
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown[]);
  }

  /** parliament takes every policy for IAM's, where \`*\` would be every key: in a key's policy it is that key. */
  function asIdentityPolicy({ Version, Statement }: Policy): Policy {
    const statements = Statement.filter(({ Sid }) => Sid !== 'GoldkeyEnableIamPolicies');
    return { Version, Statement: statements.map((each) => ({ ...each, Resource: KEY_ARN })) };
  }

  it('has nothing to find in any combination of options', async () => {
    const policies: Policy[] = [];
    for (const argv of AWS_COMBINATIONS) {
      const policy = await readPolicy(...argv);
      policies.push(argv.includes('key-policy') ? asIdentityPolicy(policy) : policy);
    }
    const findings = await judge(policies);
    expect(findings).toHaveLength(AWS_COMBINATIONS.length);
    expect(findings.flatMap((each, index) => (each.length === 0 ? [] : [[AWS_COMBINATIONS[index], each]]))).toEqual([]);
  });

  it.each([
    [
      'a misspelt condition key',
      'kms:EncryptionContextKeys',
      'kms:EncryptionContextKey',
      'UNKNOWN_CONDITION_FOR_ACTION',
    ],
    ['another operator', 'ForAllValues:StringEquals', 'ForAllValues:NumericEquals', 'MISMATCHED_TYPE'],
    ['another resource', ':key/', ':alias/', 'RESOURCE_MISMATCH'],
    ['an action that is not one', 'kms:Decrypt', 'kms:Decypher', 'UNKNOWN_ACTION'],
  ])('would find %s', async (_, right, wrong, issue) => {
    const policy = JSON.stringify(await readPolicy(...(AWS_COMBINATIONS[0] as string[])));
    const [findings = []] = await judge([JSON.parse(policy.replaceAll(right, wrong)) as object]);
    expect(findings.map((finding) => (finding as string[])[0])).toContain(issue);
  });

  it('the program itself ends with 0 for what the command prints', async () => {
    const policy = JSON.stringify(await readPolicy(...(AWS_COMBINATIONS[0] as string[])));
    const judged = run(join(programs, 'parliament'), ['--string', policy, '--json']);
    judged.child.stdin?.end();
    expect(await judged).toEqual({ stdout: '', stderr: '' });
  });
});
