import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GoldDataClient, type KeyProvider } from '../../src/index.js';
import { instrument } from '../../src/opentelemetry/index.js';
import { metalsApi } from '../../src/prices/index.js';
import { fromKmsLight } from '../../src/providers/kms-light/index.js';
import { startFakeKms, startFakePriceApi, type FakeKms, type FakePriceApi } from '../../src/testing/index.js';
import { allLeaks } from '../core/redaction/leaks.js';
import { makeTempFolder } from '../programs/at-exit.mjs';
import { gateTo, type Gate } from '../servers/gate.js';
import { orSkip } from '../servers/or-skip.js';
import { freePort, run } from '../servers/process.js';
import { findPrometheus, startPrometheus, type Prometheus } from '../servers/prometheus.js';

const KEY = 'sk-invented/+&=0123456789';
const DAY = 86_400_000;
const CONTEXT = { service: 'gold-data-stream' };
const { skipped } = await orSkip(() => findPrometheus('prometheus'));

/** The rules of the guide, with seconds in place of minutes. */
async function hastyRules(): Promise<string> {
  const rules = await readFile(new URL('../../examples/telemetry/goldkey-alerts.yml', import.meta.url), 'utf8');
  return rules.replaceAll(/for: \d+m/g, 'for: 2s').replaceAll(/\[(?:10m|1h)\]/g, '[30s]');
}

/** A service of three clients that call a price a few times a second, and its metrics. */
class Service {
  createdAt: number = Date.now() - 91 * DAY;
  readonly #clients: ReadonlyArray<GoldDataClient<unknown>>;
  readonly #end = new AbortController();
  readonly #calls: Promise<void>[];

  constructor(kmsUrl: string, kms: FakeKms, api: FakePriceApi) {
    const fromKms = (): KeyProvider =>
      fromKmsLight({
        ciphertext: kms.encrypt(KEY, CONTEXT),
        encryptionContext: CONTEXT,
        region: kms.region,
        endpoint: kmsUrl,
        credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'invented' },
      });
    const dated = (): KeyProvider => {
      const provider = fromKms();
      return {
        ...provider,
        load: async (request) => ({ ...(await provider.load(request)), createdAt: this.createdAt }) as never,
      };
    };
    const create = (name: string, keyProvider: KeyProvider): GoldDataClient<unknown> =>
      new GoldDataClient({
        ...{ name, keyProvider, ttl: 3_000, staleIfError: 60_000, refreshAhead: 0, retry: false },
        refusalGate: { after: 5, probeEvery: 500, probeMax: 1_000 },
        ...metalsApi({ baseUrl: api.url }),
      });
    this.#clients = [create('gold', fromKms()), create('dated', dated())];
    this.#calls = this.#clients.map((client) => this.#call(client));
  }

  async #call(client: GoldDataClient<unknown>): Promise<void> {
    while (!this.#end.signal.aborted) {
      await client.getPrice('XAU').catch(() => undefined);
      await sleep(100);
    }
  }

  get clients(): ReadonlyArray<GoldDataClient<unknown>> {
    return this.#clients;
  }

  async stop(): Promise<void> {
    this.#end.abort();
    await Promise.all(this.#calls);
    for (const client of this.#clients) await client.close();
  }
}

describe.skipIf(skipped !== undefined)(`a service that Prometheus scrapes ${skipped ?? ''}`, () => {
  let kms: FakeKms;
  let gate: Gate;
  let api: FakePriceApi;
  let service: Service;
  let exporter: PrometheusExporter;
  let prometheus: Prometheus;
  let stop: () => void;
  let url: string;

  beforeAll(async () => {
    [kms, api] = await Promise.all([startFakeKms(), startFakePriceApi({ keys: [KEY] })]);
    gate = await gateTo(kms.url);
    const port = await freePort();
    exporter = new PrometheusExporter({ host: '127.0.0.1', port });
    service = new Service(gate.url, kms, api);
    stop = instrument(service.clients, { meterProvider: new MeterProvider({ readers: [exporter] }) });
    url = `http://127.0.0.1:${String(port)}/metrics`;
    prometheus = await startPrometheus(`127.0.0.1:${String(port)}`, await hastyRules());
  });
  afterAll(async () => {
    await prometheus[Symbol.asyncDispose]();
    await service.stop();
    stop();
    await exporter.shutdown();
    await Promise.all([gate.shut(), kms.close(), api.close()]);
  });

  /** Waits until just these alerts fire. */
  const expectFiring = (...names: string[]): Promise<void> =>
    expect.poll(() => prometheus.firing(), { timeout: 60_000, interval: 500 }).toEqual(names);

  it('says that a key is 91 days old, and stops when it is a new one', { timeout: 90_000 }, async () => {
    await expectFiring('GoldkeyKeyOld dated');
    const [alert] = await prometheus.alerts();
    expect(alert?.annotations['summary']).toMatch(/^The key of dated is 91d .* old\.$/);
    service.createdAt = Date.now();

    await expectFiring();
  });

  it('says that KMS is stopped while its key serves on, and stops when it is back', { timeout: 150_000 }, async () => {
    await gate.shut();
    await expectFiring(
      'GoldkeyLoadFailures dated',
      'GoldkeyLoadFailures gold',
      'GoldkeyServesStale dated',
      'GoldkeyServesStale gold',
    );
    await gate.open();

    await expectFiring();
  });

  it('says that a revoked key closed the gate, and stops when it is accepted again', { timeout: 150_000 }, async () => {
    api.revoke(KEY);
    await expectFiring('GoldkeyGateClosed dated', 'GoldkeyGateClosed gold');
    api.accept(KEY);

    await expectFiring();
  });

  it('is watched by rules that pass their own tests, and tests that can fail', async () => {
    const promtool = await findPrometheus('promtool');
    const cwd = fileURLToPath(new URL('../../examples/telemetry', import.meta.url));
    const tested = await run(promtool, ['test', 'rules', 'goldkey-alerts.test.yml'], { cwd });
    expect(tested.stdout).toContain('SUCCESS');

    const folder = makeTempFolder('goldkey-rules-');
    await cp(cwd, folder, { recursive: true });
    await writeFile(join(folder, 'goldkey-alerts.yml'), await hastyRules());
    await expect(run(promtool, ['test', 'rules', 'goldkey-alerts.test.yml'], { cwd: folder })).rejects.toThrow();
    await rm(folder, { recursive: true });
  });

  it('shows Prometheus no key', async () => {
    const text = await (await fetch(url)).text();

    expect(text).toContain('goldkey_calls_total{goldkey_client="gold"');
    expect(allLeaks(text, KEY)).toEqual([]);
  });
});
