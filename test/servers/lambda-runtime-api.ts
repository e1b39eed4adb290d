import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const PREFIX = '/2018-06-01/runtime';
const FUNCTION_ARN = 'arn:aws:lambda:us-east-1:111122223333:function:gold-price';

/** What the runtime posted for one event. */
export interface Answer {
  readonly kind: 'response' | 'error';
  /** Of an error: `errorType`, `errorMessage` and `trace`. Of a response that was streamed: its text. */
  readonly body: unknown;
  /** When the first part of a streamed response came, from the moment the event was handed out, in ms. */
  readonly firstPartTook: number;
  /** From the moment the event was handed out, in ms. */
  readonly took: number;
  /** Whether Lambda would have ended the function before this came. */
  readonly isLate: boolean;
}

/** Lambda's Runtime API on loopback, for one runtime: it hands out an event whenever it is asked for one, and takes the answers. */
export interface LambdaRuntimeApi extends AsyncDisposable {
  /** For `AWS_LAMBDA_RUNTIME_API`. */
  readonly address: string;
  /** All that was posted, with its headers: to be searched for what must not be there. */
  readonly posted: string;
  /**
   * Resolves when the runtime asks for an event, to the moment when it first did, on `performance.now()`.
   *
   * @throws {Error} with what the runtime told of an initialisation that failed
   */
  asked(): Promise<number>;
  /** Hands out an event, as soon as the runtime asks for one. `timeLeft` is until the deadline, in ms. */
  invoke(event: unknown, timeLeft: number): Promise<Answer>;
}

/** Starts the Runtime API: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html */
export async function startLambdaRuntimeApi(): Promise<LambdaRuntimeApi> {
  const events = new EventEmitter();
  // An emitter without a listener for errors throws them.
  events.on('error', () => undefined);
  let firstAskedAt: number | undefined;
  let waiting: ServerResponse | undefined;
  let posted = '';

  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method, url = '' } = request;
    if (method === 'GET' && url === `${PREFIX}/invocation/next`) {
      firstAskedAt ??= performance.now();
      waiting = response;
      events.emit('asked');
      return;
    }
    const [body, firstPartAt] = await textOf(request);
    const receivedAt = performance.now();
    const isStreamed = request.headers['lambda-runtime-function-response-mode'] === 'streaming';
    posted += `${method ?? ''} ${url}\n${request.rawHeaders.join('\n')}\n${body}\n`;
    const [, id, kind] = /^\/2018-06-01\/runtime\/invocation\/([^/]+)\/(response|error)$/.exec(url) ?? [];
    const isInitError = url === `${PREFIX}/init/error`;
    response.writeHead(id === undefined && !isInitError ? 404 : 202, { 'content-type': 'application/json' });
    response.end('{"status":"OK"}');
    if (isInitError) events.emit('error', new Error(`The function did not initialise: ${body}`));
    else if (id !== undefined)
      events.emit(id, { kind, body: isStreamed ? body : JSON.parse(body), firstPartAt, receivedAt });
  };
  const server = createServer((request, response) => void take(request, response));
  // A frozen function's connection is there when it thaws: a runtime client that finds its own cut ends with ECONNRESET.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const asked = async (): Promise<number> => {
    if (waiting === undefined) await once(events, 'asked');
    return firstAskedAt ?? 0;
  };
  /** Several may wait for the same question. */
  const nextQuestion = async (): Promise<ServerResponse> => {
    for (;;) {
      await asked();
      const response = waiting;
      waiting = undefined;
      if (response !== undefined) return response;
    }
  };
  return {
    address: `127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    get posted() {
      return posted;
    },
    asked,
    async invoke(event, timeLeft) {
      const response = await nextQuestion();
      const id = randomUUID();
      const handedOutAt = performance.now();
      response.writeHead(200, {
        'content-type': 'application/json',
        'lambda-runtime-aws-request-id': id,
        'lambda-runtime-deadline-ms': String(Date.now() + timeLeft),
        'lambda-runtime-invoked-function-arn': FUNCTION_ARN,
        'lambda-runtime-trace-id': 'Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0',
      });
      response.end(JSON.stringify(event));
      const [{ kind, body, firstPartAt, receivedAt }] = (await once(events, id)) as [
        Pick<Answer, 'kind' | 'body'> & { firstPartAt: number; receivedAt: number },
      ];
      const took = receivedAt - handedOutAt;
      return { kind, body, firstPartTook: firstPartAt - handedOutAt, took, isLate: took > timeLeft };
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** Resolves to a body, and to the moment when its first part came. */
async function textOf(request: IncomingMessage): Promise<[text: string, firstPartAt: number]> {
  let text = '';
  let firstPartAt: number | undefined;
  for await (const chunk of request.setEncoding('utf8')) {
    firstPartAt ??= performance.now();
    text += String(chunk);
  }
  return [text, firstPartAt ?? performance.now()];
}
