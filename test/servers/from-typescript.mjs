import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** A module of the tests, which Node.js 20 cannot read as it is. It may import nothing but Node's own modules and its kind. */
export async function fromTypeScript(url) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(url)],
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
  });
  const [{ contents }] = outputFiles;
  return await import(`data:text/javascript;base64,${Buffer.from(contents).toString('base64')}`);
}
