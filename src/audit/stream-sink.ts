import { describeType, invalidType } from '../core/index.js';
import type { AuditSink } from './types.js';

/**
 * Returns a sink that writes lines to a stream and waits for each: stdout, which systemd takes to the journal and a container
 * or Lambda to CloudWatch, or a socket. The stream stays open; an error of it, such as EPIPE, is told to `onError` and does
 * not end the process.
 *
 * @param stream - the stream; nothing but lines should go there
 * @returns a sink for {@link audit}
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`: not a writable stream
 * @example
 * ```ts
 * import { audit, streamSink } from 'goldkey/audit';
 *
 * const log = audit(gold, streamSink(process.stdout));
 * ```
 */
export function streamSink(stream: NodeJS.WritableStream): AuditSink {
  if (typeof (stream as Partial<NodeJS.WritableStream> | null)?.write !== 'function') {
    throw invalidType(`\`stream\` must be a writable stream, got ${describeType(stream)}.`);
  }
  // The write that failed is told of it by its callback; without a listener the event would end the process.
  stream.on('error', () => undefined);
  return {
    write: (line) =>
      new Promise((resolve, reject) => {
        stream.write(`${line}\n`, (error) => {
          if (error === undefined || error === null) resolve();
          else reject(error);
        });
      }),
  };
}
