// node .ci/install-servers.mjs: installs the servers of the integration tests that take long, or that tests side by side would
// install twice, for .ci/run to do it while other steps wait for the network or for a clock. What fails here is tried again,
// and told, by the test that needs it.
import { fromTypeScript } from '../test/servers/from-typescript.mjs';

const from = (file) => fromTypeScript(new URL(`../test/servers/${file}`, import.meta.url));
const { installRuntimeClient } = await from('lambda.ts');
const { installRedis } = await from('redis.ts');
const { startChromium } = await from('chromium.ts');
const { findPrometheus } = await from('prometheus.ts');
const { installMoto } = await from('moto.ts');
const { buildVault } = await from('vault-build.ts');

// One after another: only one at a time can install Debian's packages.
for (const install of [
  () => installRuntimeClient('3.3.0'),
  () => installRuntimeClient('4.0.2'),
  installRedis,
  async () => (await startChromium())[Symbol.asyncDispose](),
  () => findPrometheus('prometheus'),
  installMoto,
  buildVault,
]) {
  try {
    await install();
  } catch (error) {
    console.warn(error);
  }
}
