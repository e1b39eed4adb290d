import type { Command } from 'commander';
import { UsageError } from '../../errors.js';
import type { CliRun } from '../../io.js';
import { addCipher, addOutputFlags, addRing } from '../../options/flags.js';
import { parseDuration } from '../../options/values.js';
import { POLICY_FORMATS, POLICY_ROLES } from './names.js';

/** The longest life of a session with MFA, 36 hours. */
const MAX_MFA_AGE_MS = 129_600_000;

export function addPolicy(program: Command, run: CliRun): void {
  const command = addRing(addCipher(addOutputFlags(program.command('policy'))));
  const role = command.createOption('--for <role>', 'whom the policy is for').choices(POLICY_ROLES).default('reader');
  const format = command.createOption('--format <format>', "default: iam, or what fits --store's service");
  command
    .description('print a least-privilege policy: AWS IAM, KMS key, VPC endpoint, Vault or Azure')
    .optionsGroup('Policy:')
    .addOption(role)
    .addOption(format.choices(POLICY_FORMATS))
    .option('--report-use', 'let a reader report its use of a ring (`reportUse`)')
    .option('--principal <arn>', 'a role, user or account root that the policy names; repeatable', addPrincipal)
    .option('--vpc-endpoint <id>', 'allow calls through this VPC endpoint; repeatable', addVpcEndpoint)
    .option('--source-ip <cidr>', 'allow calls from these public addresses; repeatable', addSourceIp)
    .option('--require-mfa', 'allow only calls of sessions with MFA')
    .option('--max-mfa-age <time>', 'how long ago the MFA code may have been given; default 1h', parseMfaAge)
    .action(async (options) => (await import('./policy.js')).policy(run, options));
}

type Add = (text: string, before?: readonly string[]) => string[];

/** Returns a parser of a repeatable option. No error repeats the value. */
function createAdd(isValid: (text: string) => boolean, message: string): Add {
  return (text, before = []) => {
    if (isValid(text)) return [...before, text];
    throw new UsageError(message);
  };
}

const addPrincipal = createAdd(
  (text) => /^arn:aws[a-z-]*:iam::\d{12}:(?:root|(?:role|user)\/[\w+=,.@/-]+)$/.test(text),
  '--principal must be the ARN of a role, a user or an account root: arn:aws:iam::111122223333:role/gold-reader.',
);

const addVpcEndpoint = createAdd(
  (text) => /^vpce-[0-9a-z]{1,32}$/.test(text),
  '--vpc-endpoint must be the id of a VPC endpoint, vpce-….',
);

const addSourceIp = createAdd((text) => {
  // Loaded by its name: other commands do not need it.
  const { isIP } = process.getBuiltinModule('node:net');
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  return isIP(address) !== 0 && Number(bits ?? 32) <= (isIP(address) === 4 ? 32 : 128);
}, '--source-ip must be an IP address or a range, such as 203.0.113.0/24.');

function parseMfaAge(text: string): number {
  const age = parseDuration('--max-mfa-age')(text);
  if (age >= 1_000 && age <= MAX_MFA_AGE_MS) return age;
  throw new UsageError('--max-mfa-age must be from 1s to 36h, the longest life of a session.');
}
