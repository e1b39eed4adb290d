import { checkOptionalString, checkOptionNames, invalidRange, type Stage } from '../../core/index.js';
import type { AwsConnectionOptions } from '../../aws/client.js';
import { checkSecretName } from '../../aws/secret-text.js';

/** Options of `fromSsm`. */
export interface FromSsmOptions extends AwsConnectionOptions {
  /**
   * The parameter's name or ARN; for a parameter of another account, the whole ARN; required. With `:version` or `:label`
   * at its end, only that version is read, as `current`, and `labels` cannot be given.
   */
  name: string;
  /**
   * The label of each stage. Default: `current` is the newest version, and there are no other stages. A new version is
   * the newest at once, so a label for `pending` calls for one for `current` too.
   */
  labels?: Partial<Record<Stage, string>> | undefined;
}

const STAGES: readonly Stage[] = ['current', 'pending', 'previous'];

/** Returns the checked options, without those for the connection. */
export function checkSsmOptions(options: FromSsmOptions): {
  readonly name: string;
  readonly labels: Readonly<Partial<Record<Stage, string>>>;
} {
  checkOptionNames('fromSsm', options, ['name', 'labels', 'region', 'client', 'clientConfig']);
  const name = checkSecretName('name', options.name, 'ssm');
  if (name.startsWith('/aws/reference/secretsmanager/')) {
    throw invalidRange(
      '`name` must be a parameter, not a reference to a secret, which has no version there; use `fromSecretsManager` of goldkey/secrets-manager.',
    );
  }
  const labels = checkLabels(options.labels);
  // An ARN itself has five colons.
  const hasSelector = name.startsWith('arn:') ? name.split(':').length > 6 : name.includes(':');
  if (hasSelector && Object.keys(labels).length > 0) {
    throw invalidRange(
      '`labels` cannot be combined with a `name` that ends with a version or label; give one of them.',
    );
  }
  return { name, labels };
}

function checkLabels(given: Partial<Record<Stage, unknown>> = {}): Partial<Record<Stage, string>> {
  checkOptionNames('`labels`', given, STAGES);
  const labels: Partial<Record<Stage, string>> = {};
  for (const stage of STAGES) {
    const label = checkOptionalString(`labels.${stage}`, given[stage]);
    if (label === undefined) continue;
    if (!/^(?!\d|aws|ssm)[\w.-]{1,100}$/i.test(label)) {
      throw invalidRange(
        `\`labels.${stage}\` must be a label of up to 100 letters, digits, \`_\`, \`.\` and \`-\` that does not begin with a digit, \`aws\` or \`ssm\`; a version's number goes into \`name\`.`,
      );
    }
    labels[stage] = label;
  }
  return labels;
}
