import type { KeyProvider, Stage } from 'goldkey';

export interface FromSsmOptions extends AwsConnectionOptions {
  name: string;
  labels?: Partial<Record<Stage, string>> | undefined;
}

export declare function fromSsm(options: FromSsmOptions): KeyProvider;

interface AwsConnectionOptions {
  region?: string | undefined;
  client?: object | undefined;
  clientConfig?: object | undefined;
  dangerouslyAllowHttp?: boolean | undefined;
}
