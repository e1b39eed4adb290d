// One cold process: node main.mjs CONTESTANT CONFIG. Prints the milliseconds until the key is there, imports included.
const start = performance.now();
const [contestant, config] = process.argv.slice(2);
const { firstKey } = await import(`./${contestant}.mjs`);
const length = await firstKey(JSON.parse(config));
const ms = performance.now() - start;
process.stdout.write(JSON.stringify({ ms, length }));
// A keep-alive socket need not be waited for.
process.exit(0);
