import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  SecretsManagerServiceException,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { mockClient, type AwsClientStub } from 'aws-sdk-client-mock';

/** A version of the secret: its labels, and its value unless a rotation has only just made room for it. */
export interface FakeVersion {
  stages: string[];
  text?: string | undefined;
  binary?: Uint8Array | undefined;
}

/** One secret in memory, named `gold`, behind every SecretsManagerClient of this process. */
export interface FakeSecret {
  readonly versions: Map<string, FakeVersion>;
  readonly mock: AwsClientStub<SecretsManagerClient>;
  /** Answers from memory, and forgets what was set up, stored and called before. */
  reset(versions?: Readonly<Record<string, FakeVersion>>): void;
}

/** As the SDK raises it: most names have no class of their own. */
export function secretsFault(name: string, status = 400, message = 'UnknownError'): Error {
  return new SecretsManagerServiceException({
    name,
    message,
    $fault: status < 500 ? 'client' : 'server',
    $metadata: { httpStatusCode: status },
  });
}

/** Replaces `SecretsManagerClient.send` until `mock.restore()`. */
export function fakeSecret(): FakeSecret {
  const versions = new Map<string, FakeVersion>();
  const mock = mockClient(SecretsManagerClient);
  const labelled = (stage: string): string | undefined =>
    [...versions].find(([, { stages }]) => stages.includes(stage))?.[0];
  const move = (stage: string, to: string): void => {
    for (const version of versions.values()) version.stages = version.stages.filter((each) => each !== stage);
    versions.get(to)?.stages.push(stage);
  };
  const reset: FakeSecret['reset'] = (given = {}) => {
    versions.clear();
    for (const [id, version] of Object.entries(given)) versions.set(id, version);
    mock.reset();
    mock
      .on(GetSecretValueCommand)
      .callsFake(({ SecretId, VersionId, VersionStage }) => {
        const id = VersionId ?? labelled(VersionStage ?? 'AWSCURRENT');
        const version = id === undefined || SecretId !== 'gold' ? undefined : versions.get(id);
        const isLabelled = VersionStage === undefined || version?.stages.includes(VersionStage as string) === true;
        if (version === undefined || !isLabelled || (version.text ?? version.binary) === undefined) {
          throw secretsFault('ResourceNotFoundException');
        }
        return {
          VersionId: id,
          CreatedDate: new Date(1_000),
          ...(version.text === undefined ? {} : { SecretString: version.text }),
          ...(version.binary === undefined ? {} : { SecretBinary: Buffer.from(version.binary) }),
        };
      })
      .on(DescribeSecretCommand)
      .callsFake(() => ({
        VersionIdsToStages: Object.fromEntries(
          [...versions].filter(([, { stages }]) => stages.length > 0).map(([id, { stages }]) => [id, [...stages]]),
        ),
      }))
      .on(PutSecretValueCommand)
      .callsFake(({ ClientRequestToken: id, SecretString: text, SecretBinary: binary }) => {
        const found = versions.get(id as string);
        if ((found?.text ?? found?.binary) !== undefined && found?.text !== text) {
          throw secretsFault('ResourceExistsException');
        }
        versions.set(id as string, {
          stages: found?.stages ?? [],
          text: text as string | undefined,
          binary: binary === undefined ? undefined : Buffer.from(binary as Uint8Array),
        });
        move('AWSPENDING', id as string);
        return {};
      })
      .on(UpdateSecretVersionStageCommand)
      .callsFake(({ VersionStage: stage, MoveToVersionId: to, RemoveFromVersionId: from }) => {
        const before = labelled(stage as string);
        if (before !== from) throw secretsFault('InvalidParameterException');
        move(stage as string, to as string);
        if (stage === 'AWSCURRENT' && before !== undefined) move('AWSPREVIOUS', before);
        return {};
      });
  };
  reset();
  return { versions, mock, reset };
}
