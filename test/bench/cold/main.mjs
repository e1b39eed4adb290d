// One cold process: node main.mjs FILE CONFIG. Prints what it got, the milliseconds until it was there, imports
// included, and those that Node.js took before.
const start = performance.now();
const [file, config] = process.argv.slice(2);
// Lambda loads a CommonJS handler by `require`; an import would read all of it for the names that it exports.
const { first } = file.endsWith('.cjs')
  ? process.getBuiltinModule('node:module').createRequire(file)(file)
  : await import(file);
const got = await first(JSON.parse(config));
const ms = performance.now() - start;
process.stdout.write(JSON.stringify({ ms, got, boot: start }));
