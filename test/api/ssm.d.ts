import type { KeyProvider, Stage } from 'goldkey';
import type { AwsConnectionOptions } from 'goldkey/kms';

export { AwsConnectionOptions } from 'goldkey/kms';

export interface FromSsmOptions extends AwsConnectionOptions {
  name: string;
  labels?: Partial<Record<Stage, string>> | undefined;
}

export declare function fromSsm(options: FromSsmOptions): KeyProvider;
