// Writes an audit log, verifies it, changes one line of it, and verifies it again: exit code 3, as `goldkey audit verify`.
//
//   AUDIT_FILE      default ./changed.ndjson; a line of it is changed, so give it no other log
//   GOLD_API_KEY    the API key
//   PRICE_API_URL   optional
import { createReadStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { GoldDataClient } from 'goldkey';
import { audit, auditedProvider, fileSink, verifyAudit } from 'goldkey/audit';
import { fromEnvironment } from 'goldkey/env';
import { metalsApi } from 'goldkey/prices';

const path = process.env.AUDIT_FILE ?? './changed.ndjson';
const verify = () => verifyAudit(createInterface({ input: createReadStream(path) }));

const log = audit([], fileSink(path), { actor: 'examples/audit' });
const gold = new GoldDataClient({
  keyProvider: auditedProvider(fromEnvironment('GOLD_API_KEY'), log),
  name: 'gold',
  ...metalsApi({ baseUrl: process.env.PRICE_API_URL }),
});
log.add(gold);
try {
  await gold.getPrice('XAU');
} finally {
  await gold.close();
  await log.close();
}
console.log(await verify());

await writeFile(path, (await readFile(path, 'utf8')).replace('"uses":1', '"uses":9'));
const { ok, brokenAt } = await verify();
console.log(`line ${brokenAt} was changed`);
if (!ok) process.exitCode = 3;
