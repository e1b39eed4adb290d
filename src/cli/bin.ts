#!/usr/bin/env node
import { main } from './main.js';

// The AWS SDK's warning about Node.js 20, and no other: it is for whoever chose the version, not for this output.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

// Who reads a pipe may have read enough (`goldkey demo | head -1`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') {
    process.stderr.write(`goldkey: The output could not be written (${error.code ?? error.name}).\n`);
    process.exit(1);
  }
  // A command that goes on until nobody reads listens itself.
  if (process.stdout.listenerCount('error') === 1) process.exit(1);
});

// Not process.exit: what is still being written to a pipe would be cut off.
process.exitCode = await main(process.argv.slice(2), process);
