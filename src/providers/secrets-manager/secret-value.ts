import type { GetSecretValueCommandInput, GetSecretValueCommandOutput } from '@aws-sdk/client-secrets-manager';
import { copyBytes, KeyFormatError, quote } from '../../core/index.js';
import type { AwsCallOptions } from '../../aws/call.js';
import { allowErrors } from '../../aws/failures.js';
import { checkSecretSize, encodeSecretText } from '../../aws/secret-text.js';
import { parseDocument, refuseDocument } from '../shared/document.js';
import type { SecretsManagerConnection } from './client.js';
import { SECRETS_MANAGER } from './errors.js';

/** The longest secret that Secrets Manager stores, in bytes. */
const MAX_SECRET_BYTES = 65_536;

/** Reads one version of a secret; with `isOptional` it resolves to `undefined` if there is no such version. */
export function getSecretValue(
  connection: SecretsManagerConnection,
  input: GetSecretValueCommandInput & { SecretId: string },
  { signal, clock, isOptional }: Pick<AwsCallOptions<never>, 'signal' | 'clock'> & { isOptional: boolean },
): Promise<GetSecretValueCommandOutput | undefined> {
  return connection.call(
    { operation: 'GetSecretValue', secretId: input.SecretId, label: input.VersionStage },
    (sdk, client, http) => {
      const answer = client.send(new sdk.GetSecretValueCommand(input), http);
      // A label that no version has is not an error.
      return isOptional ? allowErrors(answer, ['ResourceNotFoundException']) : answer;
    },
    { signal, clock, discard: (late) => late?.SecretBinary?.fill(0) },
  );
}

/**
 * Returns a copy of the key in a secret, or `undefined` if the secret, or its field, is empty. Zeroes the bytes of the
 * answer.
 *
 * @throws {KeyFormatError} the secret does not match `field`; no message shows any of it
 */
export function readKey(value: GetSecretValueCommandOutput, field: string | undefined): Uint8Array | undefined {
  const { SecretString: string, SecretBinary: binary, VersionId: version } = value;
  const about = { provider: SECRETS_MANAGER, version };
  try {
    checkSecretSize(binary?.byteLength ?? 0, MAX_SECRET_BYTES, about);
    if (field !== undefined) {
      const text = readText(value);
      if (text === undefined) return undefined;
      const bytes = encodeSecretText(readField(text, field, version), MAX_SECRET_BYTES, about);
      return bytes && refuseDocument(bytes, `The field ${quote(field)} of the secret`, about);
    }
    // Not `slice`: on a Buffer it shares the memory, which is zeroed below.
    const bytes = binary === undefined ? encodeSecretText(string ?? '', MAX_SECRET_BYTES, about) : copyBytes(binary);
    if (bytes === undefined || bytes.byteLength === 0) return undefined;
    return refuseDocument(bytes, 'The secret', about, 'set `field` to the name of the field that holds the key');
  } finally {
    binary?.fill(0);
  }
}

/** Returns the text of a secret, which may have been stored as bytes, or `undefined` if it is empty. */
export function readText({
  SecretString: text,
  SecretBinary: binary,
}: GetSecretValueCommandOutput): string | undefined {
  const found =
    binary === undefined ? text : Buffer.from(binary.buffer, binary.byteOffset, binary.byteLength).toString();
  return found === '' ? undefined : found;
}

/** Returns the text of a secret with another key in `field`; the other fields are kept. */
export function replaceKey(text: string, field: string, key: string): string {
  const object = readObject(text, field);
  JSON.parse(text.trim(), (name, value: unknown) => {
    // A larger number would be written as another one.
    if (typeof value !== 'number' || Math.abs(value) <= Number.MAX_SAFE_INTEGER) return value;
    throw createFormatError(
      `has a number in its field ${quote(name)} that JSON cannot carry exactly; make it a string`,
    );
  });
  return JSON.stringify({ ...object, [field]: key });
}

function readField(text: string, field: string, version: string | undefined): string {
  const value = readObject(text, field, version)[field];
  if (typeof value === 'string') return value;
  if (value === undefined)
    throw createFormatError(`is JSON without the field ${quote(field)}; check \`field\``, version);
  // Not `describeType`, which shows a number: it may be the key.
  const type = value === null ? 'null' : `a value of type ${typeof value}`;
  throw createFormatError(`has ${type} in its field ${quote(field)}, not a string`, version);
}

function readObject(text: string, field: string, version?: string): Record<string, unknown> {
  checkSecretSize(Buffer.byteLength(text), MAX_SECRET_BYTES, { provider: SECRETS_MANAGER, version });
  const object = parseObject(text);
  if (object !== undefined) return object;
  throw createFormatError(`is not a JSON object with the key in its field ${quote(field)}; check \`field\``, version);
}

/** Returns the object in a JSON text, without a prototype, so that only its own fields are found, or `undefined`. */
function parseObject(text: string): Record<string, unknown> | undefined {
  const value = parseDocument(text);
  if (value === undefined || Array.isArray(value)) return undefined;
  return Object.assign(Object.create(null) as Record<string, unknown>, value);
}

function createFormatError(problem: string, version?: string): KeyFormatError {
  return new KeyFormatError(`The secret ${problem}.`, { provider: SECRETS_MANAGER, version });
}
