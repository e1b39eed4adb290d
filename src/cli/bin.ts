#!/usr/bin/env node
import { main } from './main.js';

// Turns off the AWS SDK's warning about Node.js 20 only: it would mix with the messages of each command.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

// The reader of a pipe may stop early (`goldkey demo | head -1`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') {
    process.stderr.write(`goldkey: The output could not be written (${error.code ?? error.name}).\n`);
    process.exit(1);
  }
  // `price --watch` has its own listener, and ends well.
  if (process.stdout.listenerCount('error') === 1) process.exit(1);
});

// `process.exit` would cut off output that is still being written to a pipe.
process.exitCode = await main(process.argv.slice(2), process);
// The command that a signal ended may still be waiting for an answer.
if (process.exitCode > 128) process.exit();
