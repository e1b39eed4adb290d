import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { answers, freePort, ready, run, stopped } from './process.js';
import { installPython } from './python.js';

/** What moto and every client of it use: moto checks no signature. */
export const MOTO_ENV = {
  AWS_ACCESS_KEY_ID: 'testing',
  AWS_SECRET_ACCESS_KEY: 'testing',
  AWS_DEFAULT_REGION: 'us-east-1',
  AWS_REGION: 'us-east-1',
  AWS_EC2_METADATA_DISABLED: 'true',
};

/** moto's server: KMS, Secrets Manager, SSM, DynamoDB and STS on loopback, with boto3 beside it. */
export interface Moto extends AsyncDisposable {
  /** The endpoint of every service. */
  readonly url: string;
  readonly region: string;
  /** Runs a Python program with boto3; `kms()` and the like come ready in it. Resolves to what it printed. */
  python(program: string, ...argv: readonly string[]): Promise<string>;
  /** Creates a table of DynamoDB for key rings. */
  createRingTable(tableName: string): Promise<void>;
  /** Empties every service. */
  reset(): Promise<void>;
}

/** moto checks a condition and then writes, while its other threads do: DynamoDB does both at once, and two would win. */
const SERVER = `
import sys, threading
from moto.dynamodb.models import DynamoDBBackend
from moto.server import main

lock = threading.RLock()

def at_once(write):
    def locked(*args, **kwargs):
        with lock:
            return write(*args, **kwargs)
    return locked

for name in ('put_item', 'update_item', 'delete_item', 'transact_write_items'):
    setattr(DynamoDBBackend, name, at_once(getattr(DynamoDBBackend, name)))
main(sys.argv[1:])
`;

/** Installs moto on first use, and resolves to the folder of its programs. */
export function installMoto(): Promise<string> {
  return installPython('moto', 'moto[server]>=5.2,<6');
}

/**
 * Installs moto on first use, into a cache folder outside the work tree, and starts it on a free port.
 *
 * @throws {Error} whose message says what is missing and how to get it
 */
export async function startMoto(): Promise<Moto> {
  const programs = await installMoto();
  const port = await freePort();
  const url = `http://127.0.0.1:${String(port)}`;
  const server = spawn(join(programs, 'python'), ['-c', SERVER, '-H', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
    env: { ...process.env, ...MOTO_ENV },
  });
  await ready('moto', server, () => answers(`${url}/moto-api/`));
  await Promise.all(FIRST_REQUESTS.map(([service, target]) => loadService(url, service, target)));
  const python: Moto['python'] = async (program, ...argv) => {
    const prelude = [
      'import base64, json, sys, boto3',
      `def client(name): return boto3.client(name, endpoint_url=${JSON.stringify(url)})`,
    ];
    const env = { ...process.env, ...MOTO_ENV };
    const { stdout } = await run(join(programs, 'python'), ['-c', [...prelude, program].join('\n'), ...argv], { env });
    return stdout.trim();
  };
  return {
    url,
    region: MOTO_ENV.AWS_REGION,
    python,
    async createRingTable(tableName) {
      const create = `client('dynamodb').create_table(TableName=sys.argv[1], BillingMode='PAY_PER_REQUEST',
        AttributeDefinitions=[{'AttributeName': 'name', 'AttributeType': 'S'}], KeySchema=[{'AttributeName': 'name', 'KeyType': 'HASH'}])`;
      await python(create, tableName);
    },
    async reset() {
      await fetch(`${url}/moto-api/reset`, { method: 'POST' });
    },
    [Symbol.asyncDispose]: () => stopped(server),
  };
}

/** One harmless request to each service. */
const FIRST_REQUESTS = [
  ['kms', 'TrentService.ListKeys'],
  ['secretsmanager', 'secretsmanager.ListSecrets'],
  ['ssm', 'AmazonSSM.DescribeParameters'],
  ['dynamodb', 'DynamoDB_20120810.ListTables'],
] as const;

/** Makes moto load a service: its first answer takes seconds on a busy machine, longer than a client waits. */
async function loadService(url: string, service: string, target: string): Promise<void> {
  const credential = `Credential=${MOTO_ENV.AWS_ACCESS_KEY_ID}/20260101/${MOTO_ENV.AWS_REGION}/${service}/aws4_request`;
  const headers = {
    'x-amz-target': target,
    'content-type': 'application/x-amz-json-1.1',
    authorization: `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=host, Signature=none`,
  };
  const response = await fetch(url, { method: 'POST', headers, body: '{}' });
  if (!response.ok) throw new Error(`moto answered ${target} with status ${String(response.status)}.`);
}
