import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isAwsCredentials } from '../../aws/credentials.js';
import { readVariable } from '../../aws/environment.js';
import type { AwsCredentials } from '../../aws/sigv4.js';
import { tryOrUndefined } from '../../core/index.js';
import { UsageError } from '../errors.js';

// The profiles of the AWS configuration, as far as the SDK leaves them to its user.

/** The settings of a profile. */
export type Profile = Readonly<Partial<Record<string, string>>>;

/** The longest chain of profiles that build on one another. */
const MAX_SOURCES = 10;

/** Throws if no file of the AWS configuration has the profile: the SDK would only find no credentials. */
export function checkProfile(given: string | undefined): void {
  // The SDK reads this process's environment, too.
  const profile = given ?? process.env['AWS_PROFILE'] ?? '';
  if (profile === '' || readProfile(profile) !== undefined) return;
  const source = given === undefined ? 'AWS_PROFILE' : '--profile';
  throw new UsageError(
    `The AWS configuration has no profile of the name in ${source}; list them by \`aws configure list-profiles\`.`,
  );
}

/** Returns the profile whose role takes an MFA code, itself or one that it builds on; `undefined` if none is asked for. */
export function findMfaProfile(given: string | undefined): Profile | undefined {
  const name = given ?? readVariable('AWS_PROFILE');
  // The environment goes before the default profile.
  if (name === undefined && readVariable('AWS_ACCESS_KEY_ID') !== undefined) return undefined;
  const profile = readProfile(name ?? 'default');
  let next = profile;
  // A profile may name itself as its source.
  for (let steps = 0; next !== undefined && steps < MAX_SOURCES; steps++) {
    const { role_arn: role, mfa_serial: serial, source_profile: source } = next;
    if (role !== undefined && serial !== undefined) return profile;
    next = source === undefined ? undefined : readProfile(source);
  }
  return undefined;
}

/** Returns the session of the profile's role that the AWS CLI keeps, if there is one. */
export function readCliSession(profile: Profile): AwsCredentials | undefined {
  const { duration_seconds: duration } = profile;
  // The AWS CLI names the file by what it asks STS for, as Python prints it.
  const asked = {
    DurationSeconds: duration === undefined ? undefined : Number(duration),
    ExternalId: profile['external_id'],
    RoleArn: profile['role_arn'],
    RoleSessionName: profile['role_session_name'],
    SerialNumber: profile['mfa_serial'],
  };
  const pairs = Object.entries(asked).filter(([, value]) => value !== undefined);
  const text = `{${pairs.map(([name, value]) => `"${name}": ${JSON.stringify(value)}`).join(', ')}}`;
  const file = join(findHome(), '.aws', 'cli', 'cache', `${createHash('sha1').update(text).digest('hex')}.json`);
  // Without the parser's error, which quotes the file.
  const kept = tryOrUndefined(() => JSON.parse(readFileSync(file, 'utf8')) as { Credentials?: Profile } | null);
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = kept?.Credentials ?? {};
  const session = {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
    expiration: new Date(String(Expiration)),
  };
  return isAwsCredentials(session) ? session : undefined;
}

function findHome(): string {
  return readVariable('HOME') ?? homedir();
}

/** Returns the settings of a profile, from both files of the AWS configuration; `undefined` if neither has it. */
function readProfile(name: string): Profile | undefined {
  const folder = join(findHome(), '.aws');
  const { env } = process;
  const files = [
    env['AWS_CONFIG_FILE'] ?? join(folder, 'config'),
    env['AWS_SHARED_CREDENTIALS_FILE'] ?? join(folder, 'credentials'),
  ];
  const found = files.flatMap((file) => (existsSync(file) ? [parseProfile(readFileSync(file, 'utf8'), name)] : []));
  const parts = found.filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : Object.assign({}, ...parts);
}

/** Returns the settings in the section `[name]` or `[profile name]`. */
function parseProfile(text: string, name: string): Profile | undefined {
  let settings: Record<string, string> | undefined;
  let isInside = false;
  for (const line of text.split(/\r?\n/)) {
    const [, head] = /^\s*\[\s*(?:profile\s+)?["']?([^\]"']+?)["']?\s*\]/.exec(line) ?? [];
    if (head !== undefined) isInside = head === name;
    if (!isInside) continue;
    settings ??= {};
    // An indented line belongs to the setting before it.
    const [, key, value] = /^([a-z_]+)\s*=\s*(.*?)\s*(?:\s[#;].*)?$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) settings[key] = value;
  }
  return settings;
}
