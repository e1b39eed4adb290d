// A process that records its uses without end, to be killed. Told by its arguments: the file, and whether it is synced.
import { GoldDataClient } from 'goldkey';
import { audit, fileSink } from 'goldkey/audit';
import { manualClock, memoryKeyProvider } from 'goldkey/testing';

const [path, fsync] = process.argv.slice(2);
const clock = manualClock();
const gold = new GoldDataClient({
  keyProvider: memoryKeyProvider({ current: process.env.KEY }),
  clock,
  name: 'gold',
  fetchPrice: async () => 2000,
});
const log = audit(gold, fileSink(path, { fsync }), { usageInterval: 1_000, actor: () => `call-${process.env.KEY}` });
await gold.prefetch();
for (;;) {
  await gold.getPrice();
  gold.evict();
  await clock.advance(2_000);
  await log.flush();
}
