// node .ci/build-servers.mjs: builds what the integration tests compile on a machine's first run, for .ci/run to do it while
// other steps wait for the network or for a clock. What fails here is tried again, and told, by the test that needs it.
import { fromTypeScript } from '../test/servers/from-typescript.mjs';

const servers = new URL('../test/servers/', import.meta.url);
const { buildVault } = await fromTypeScript(new URL('vault-build.ts', servers));
const { installRuntimeClient } = await fromTypeScript(new URL('lambda.ts', servers));

// What needs Debian's packages comes first: later steps need others, and only one at a time can install them.
for (const build of [installRuntimeClient, () => installRuntimeClient('4.0.2'), buildVault]) {
  try {
    await build();
  } catch (error) {
    console.warn(error);
  }
}
