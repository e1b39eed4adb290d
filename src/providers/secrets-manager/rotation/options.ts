import {
  checkOptionalFunction,
  checkOptionalString,
  checkOptionNames,
  checkString,
  describeType,
  invalidType,
} from '../../../core/index.js';

/** The event that Secrets Manager sends to a rotation function, once for each of the four steps of a rotation. */
export interface RotationEvent {
  /** The secret's ARN. */
  SecretId: string;
  /** The VersionId of the next key, the same in all four steps. */
  ClientRequestToken: string;
  /** The step to run. */
  Step: 'createSecret' | 'setSecret' | 'testSecret' | 'finishSecret';
}

/** Options of {@link rotationHandler}. */
export interface RotationHandlerOptions {
  /**
   * Mints the next key; required. It must return the same key for the same `rotationId` (the ClientRequestToken), because
   * a step that ended between minting and storing is run again. `current` is the key in use, for the call to the vendor.
   */
  mintKey: (current: string, options: { rotationId: string; signal: AbortSignal }) => Promise<string>;
  /** Makes the vendor accept the key. It may run more than once for one key. Default: minting has done so. */
  activateKey?: ((key: string) => Promise<void>) | undefined;
  /** Tries the key against the price API; required. If it throws, the key in use stays. */
  testKey: (key: string, options: { signal: AbortSignal }) => Promise<void>;
  /** The field that holds the key in a JSON secret; the other fields are kept. Default: the whole secret is the key. */
  field?: string | undefined;
  /**
   * The caller's `SecretsManagerClient`, which keeps its own retries and timeouts. Default: a client for the account and
   * Region of the Lambda function.
   */
  client?: object | undefined;
}

const STEPS: readonly unknown[] = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'];

/** Returns a checked copy of the options. */
export function checkRotationOptions(options: RotationHandlerOptions): RotationHandlerOptions {
  checkOptionNames('rotationHandler', options, ['mintKey', 'activateKey', 'testKey', 'field', 'client']);
  const { mintKey, activateKey, testKey, field, client } = options;
  for (const [name, value] of Object.entries({ mintKey, testKey })) {
    if (typeof value !== 'function') throw invalidType(`\`${name}\` must be a function, got ${describeType(value)}.`);
  }
  checkOptionalFunction('activateKey', activateKey);
  checkOptionalString('field', field);
  return { mintKey, activateKey, testKey, field, client };
}

/** Returns a checked copy of an event. */
export function checkRotationEvent(event: unknown): RotationEvent {
  const { SecretId, ClientRequestToken, Step } = (event ?? {}) as RotationEvent;
  checkString('event.SecretId', SecretId);
  checkString('event.ClientRequestToken', ClientRequestToken);
  if (!STEPS.includes(Step)) {
    throw invalidType(
      `\`event.Step\` must be one of ${STEPS.join(', ')}; the handler expects an event of Secrets Manager.`,
    );
  }
  return { SecretId, ClientRequestToken, Step };
}
