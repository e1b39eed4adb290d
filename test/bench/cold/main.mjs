// One cold process: node main.mjs CONTESTANT CONFIG. Prints what it got, the milliseconds until it was there, imports
// included, and those that Node.js took before.
const start = performance.now();
const [contestant, config] = process.argv.slice(2);
const { first } = await import(`./${contestant}.mjs`);
const got = await first(JSON.parse(config));
const ms = performance.now() - start;
process.stdout.write(JSON.stringify({ ms, got, boot: start }));
