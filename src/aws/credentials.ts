import { KeyProviderError } from '../core/index.js';
import { containerCredentials, type CredentialsRequest } from './container-credentials.js';
import { variable } from './environment.js';
import { isAwsRegion, type AwsCredentials } from './signature.js';
import { isPrintableAscii } from '../util/ascii.js';

/** Where the credentials endpoint of ECS is when only its path is given. */
const ECS = 'http://169.254.170.2';

/**
 * The credentials that there are now, from where Lambda, ECS and EKS put them; they are replaced within hours, so nothing
 * is kept. What is wrong with them says nothing about the key: each failure is a `KeyProviderError`.
 */
export async function awsCredentials(request: CredentialsRequest): Promise<AwsCredentials> {
  const found = environmentCredentials(request.provider) ?? (await containerCredentialsOf(request));
  if (found !== undefined) return found;
  throw new KeyProviderError(
    'There are no AWS credentials: neither AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY is set, nor AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or AWS_CONTAINER_CREDENTIALS_FULL_URI.',
    { provider: request.provider },
  );
}

/** The credentials in the environment, where Lambda puts them. */
export function environmentCredentials(provider: string): AwsCredentials | undefined {
  const [accessKeyId, secretAccessKey] = [variable('AWS_ACCESS_KEY_ID'), variable('AWS_SECRET_ACCESS_KEY')];
  // One without the other is no pair, and is passed over as the AWS SDK does.
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  const credentials = { accessKeyId, secretAccessKey, sessionToken: variable('AWS_SESSION_TOKEN') };
  if (Object.values(credentials).every((text) => text === undefined || isPrintableAscii(text))) return credentials;
  throw new KeyProviderError(
    'AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN must be made of visible ASCII characters.',
    { provider },
  );
}

/** The credentials of an ECS task or an EKS pod, `undefined` where this is none. */
export async function containerCredentialsOf(request: CredentialsRequest): Promise<AwsCredentials | undefined> {
  // In the order of the AWS SDK, which has the path before the URL, and the file before the token.
  const path = variable('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI');
  const uri = path === undefined ? variable('AWS_CONTAINER_CREDENTIALS_FULL_URI') : `${ECS}${path}`;
  if (uri === undefined) return undefined;
  const token = variable('AWS_CONTAINER_AUTHORIZATION_TOKEN');
  const tokenFile = variable('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE');
  return await containerCredentials({ ...request, uri, token, tokenFile });
}

/** The region of this function or container, where it is told. */
export function awsRegion(provider: string): string | undefined {
  const region = variable('AWS_REGION');
  if (region === undefined || isAwsRegion(region)) return region;
  throw new KeyProviderError('AWS_REGION must be the name of a region, e.g. eu-west-1.', { provider });
}
