// One contestant in one measurement: node worker.mjs MEASURE CONTESTANT PARAMS. Answers each message with a slice.
const [measure, contestant, params] = process.argv.slice(2);

const { prepare } = await import(`./measures/${measure}.mjs`);
const slice = await prepare(await import(`./contestants/${contestant}.mjs`), JSON.parse(params));

process.on('message', async () => process.send(await slice()));
// Some contestants leave a timer behind that would hold the process.
process.on('disconnect', () => process.exit(0));
process.send('ready');
