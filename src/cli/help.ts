import type { Command } from 'commander';

/** Parts of a command's help beside its options. */
interface Help {
  readonly examples: readonly string[];
  /** Names of {@link VARIABLES}. */
  readonly variables?: readonly string[];
}

/** The environment variables that the commands read. */
const VARIABLES: Readonly<Record<string, string>> = {
  'AWS_PROFILE, AWS_REGION': 'profile and Region, as the AWS CLI reads them, and all others of the AWS SDK',
  'VAULT_ADDR, VAULT_TOKEN': 'address and token of Vault; VAULT_NAMESPACE and VAULT_CACERT where they are needed',
  GOLD_API_KEY_CIPHERTEXT: 'the ciphertext, where no option gives one',
  GOLD_API_KEY_VERSION: 'the version of a ring that is read in place of the current one',
  'HTTPS_PROXY, HTTP_PROXY, NO_PROXY': 'the proxy, and the hosts that are reached without it',
  NO_COLOR: 'no colours',
};
const SERVICES = ['AWS_PROFILE, AWS_REGION', 'VAULT_ADDR, VAULT_TOKEN', 'HTTPS_PROXY, HTTP_PROXY, NO_PROXY'];
const READS = [...SERVICES, 'GOLD_API_KEY_CIPHERTEXT', 'GOLD_API_KEY_VERSION'];
const KMS = '--key-id alias/gold-api-keys --encryption-context service=gold';
const RING = '--ring gold.ring.json';

/** The help by the command's words after `goldkey`; the empty one is of goldkey itself. */
const HELP: Readonly<Record<string, Help>> = {
  '': {
    examples: [
      'goldkey demo',
      'goldkey create-key --alias alias/gold-api-keys',
      `goldkey encrypt ${KMS}`,
      'goldkey help rotate stage',
    ],
    variables: Object.keys(VARIABLES),
  },
  'create-key': {
    examples: [
      'goldkey create-key --alias alias/gold-api-keys',
      'goldkey create-key --local --master-key gold.master-key',
    ],
    variables: SERVICES,
  },
  encrypt: {
    examples: [`goldkey encrypt ${KMS}`, `goldkey encrypt ${KMS} --key-file new-key.txt > gold-key.txt`],
    variables: SERVICES,
  },
  put: {
    examples: [
      'goldkey put --store vault://secret/api-keys/gold#api_key',
      'pass gold | goldkey put --store secrets-manager://gold',
      'goldkey put --store ssm:///prod/gold --key-file new-key.txt',
    ],
    variables: SERVICES,
  },
  verify: {
    examples: [
      'goldkey verify --encryption-context service=gold --ciphertext-file gold-key.txt',
      `goldkey verify ${RING} ${KMS} --key-version v2`,
      'goldkey verify --store secrets-manager://gold#apiKey',
    ],
    variables: READS,
  },
  price: {
    examples: [
      'goldkey price XAU --encryption-context service=gold --ciphertext-file gold-key.txt',
      'goldkey price XAU XAG --api goldapi --store vault://secret/gold --watch 1m',
    ],
    variables: READS,
  },
  copy: {
    examples: [
      'goldkey copy --from secrets-manager://gold --to vault://secret/api-keys/gold#api_key',
      `goldkey copy --from ssm:///prod/gold ${KMS} > gold-key.txt`,
    ],
    variables: READS,
  },
  rotate: {
    // In the order of a rotation.
    examples: [
      `goldkey rotate init ${RING} ${KMS}`,
      `goldkey rotate stage ${RING} ${KMS} --api metals-api`,
      `goldkey rotate canary ${RING} --percent 10`,
      `goldkey rotate promote ${RING} ${KMS}`,
      `goldkey rotate retire ${RING} ${KMS}`,
      `goldkey rotate status ${RING}`,
    ],
    variables: SERVICES,
  },
  'rotate init': { examples: [`goldkey rotate init ${RING} ${KMS}`], variables: SERVICES },
  'rotate stage': {
    examples: [`goldkey rotate stage ${RING} ${KMS} --api metals-api`],
    variables: SERVICES,
  },
  'rotate canary': { examples: [`goldkey rotate canary ${RING} --percent 10`], variables: SERVICES },
  'rotate promote': { examples: [`goldkey rotate promote ${RING} ${KMS} --overlap 24h`], variables: SERVICES },
  'rotate revert': { examples: [`goldkey rotate revert ${RING} ${KMS}`], variables: SERVICES },
  'rotate retire': { examples: [`goldkey rotate retire ${RING} ${KMS} --unused 1h`], variables: SERVICES },
  'rotate status': { examples: [`goldkey rotate status ${RING} --json`], variables: SERVICES },
  'rotate due': { examples: [`goldkey rotate due ${RING} --max-age 90d`], variables: SERVICES },
  policy: {
    examples: [
      `goldkey policy ${KMS} > reader.json`,
      `goldkey policy --for rotator ${KMS} --ring dynamodb://key-rings/gold --require-mfa`,
      'goldkey policy --store vault://secret/gold | vault policy write gold-reader -',
    ],
    variables: ['AWS_PROFILE, AWS_REGION', 'HTTPS_PROXY, HTTP_PROXY, NO_PROXY'],
  },
  doctor: {
    examples: [
      `goldkey doctor ${KMS} --ciphertext-file gold-key.txt`,
      `goldkey doctor ${RING} ${KMS} --api metals-api --strict`,
    ],
    variables: READS,
  },
  audit: { examples: ['goldkey audit verify audit.ndjson'] },
  'audit verify': { examples: ['goldkey audit verify audit.1.ndjson audit.ndjson --chain-key-file chain.key'] },
  scan: {
    examples: [
      'goldkey scan . --key-file old-key.txt',
      'goldkey scan --staged --store vault://secret/api-keys/gold#api_key',
      'kubectl logs deploy/gold | goldkey scan - --encryption-context service=gold --ciphertext-file gold-key.txt',
      'goldkey scan --git --store secrets-manager://gold --sarif findings.sarif',
    ],
    variables: SERVICES,
  },
  completion: { examples: ['goldkey completion bash > /etc/bash_completion.d/goldkey'] },
  demo: { examples: ['goldkey demo'] },
};

/** Adds examples and environment variables to the help of a command and of those below it. */
export function addHelpTexts(command: Command, path: readonly string[] = []): void {
  for (const child of command.commands) addHelpTexts(child, [...path, child.name()]);
  const sections = Object.entries(listHelp(path)).filter(([, lines]) => lines.length > 0);
  const text = sections.map(([title, lines]) => `\n${title}:\n${lines.map((line) => `  ${line}\n`).join('')}`);
  command.addHelpText('after', text.join('').trimEnd());
}

/** Returns the lines of help of a command, by section. */
export function listHelp(path: readonly string[]): Readonly<Record<'Examples' | 'Environment', readonly string[]>> {
  const { examples = [], variables = [] } = HELP[path.join(' ')] ?? {};
  const width = Math.max(...variables.map(({ length }) => length)) + 2;
  return {
    Examples: examples,
    Environment: variables.map((name) => `${name.padEnd(width)}${VARIABLES[name] ?? ''}`),
  };
}
