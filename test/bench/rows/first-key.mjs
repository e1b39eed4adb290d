import { inRounds, runCold, startKms } from '../lib/cold.mjs';
import { ratioLine } from '../lib/line.mjs';
import { profiling } from '../lib/profile.mjs';
import { KEY } from '../lib/scene.mjs';
import { median } from '../lib/stats.mjs';
import { startTlsFront } from '../lib/tls-front.mjs';

const PRICE = 2199.51;

const keys = {
  'goldkey, fromKmsLight': { file: 'from-kms-light' },
  'goldkey, fromKms': { file: 'from-kms' },
  'client-kms by require()': { file: 'client-kms' },
  naive: { file: 'naive' },
};
const light = {
  'goldkey, fromKmsLight, https': { file: 'from-kms-light', https: true },
  'naive, https': { file: 'naive', https: true },
  'goldkey, fromKmsLight, first price': { file: 'price-from-kms-light', price: true },
  'naive, first price': { file: 'price-naive', price: true },
};

/** What a cold process got, and when. */
async function cold(node, { file, https = false, price = false }, { config, front, priceUrl, profiled }) {
  const given = { ...config, priceUrl, ...(https && { url: front.url }) };
  const env = https ? { NODE_EXTRA_CA_CERTS: front.certificate } : {};
  const flags = file === profiled.file && !https ? profiling(profiled.folder) : [];
  const { ms, got, boot } = await runCold(node, `./${file}.mjs`, given, { flags, env });
  const wrong = price ? Math.abs(got - PRICE) > 0.01 : got !== KEY.length;
  if (wrong) throw new Error(`${file} got something else: ${String(got)}`);
  return { ms, boot };
}

async function rounds(bench, contestants, servers) {
  const names = Object.keys(contestants);
  const ran = await inRounds(bench, names, (name) => cold(bench.node, contestants[name], servers));
  // Told of one more certificate, Node.js 20 reads all that it has before the first line runs. Without that it does so in
  // the first handshake: it belongs to the time.
  const isHttps = (name) => contestants[name].https === true;
  const bootOf = (some) => median(some.flatMap((name) => ran[name].map(({ boot }) => boot)));
  const overHttps = names.filter(isHttps);
  const certificates = overHttps.length === 0 ? 0 : bootOf(overHttps) - bootOf(names.filter((name) => !isHttps(name)));
  const times = {};
  for (const name of names) {
    const ms = ran[name].map((each) => [each.ms]);
    times[name] = isHttps(name) ? ms.map(([each]) => [each + certificates]) : ms;
    if (isHttps(name)) times[`${name}, read`] = ms;
  }
  return times;
}

/** Until the key is there by `kms-light`, over http and https; and, for comparison, until the first price is. */
function lightLines({ onNode20 }, times, figures) {
  const line = (what, ours, name, more = {}) =>
    ratioLine({ row: '11', what, unit: 'ms', ours: times[ours], name, theirs: times[name], ...more });
  const https = onNode20 ? { budget: 0.25 } : {};
  const ours = 'goldkey, fromKmsLight';
  return [
    line('time to first key, fromKmsLight', ours, 'naive', { budget: onNode20 ? 0.14 : 0.18, figures }),
    line('the same over https', `${ours}, https`, 'naive, https', https),
    line('time to first key, fromKmsLight', ours, 'client-kms by require()'),
    line('over https, certificates read before', `${ours}, https, read`, 'naive, https, read'),
    line('time to first price, fromKmsLight', `${ours}, first price`, 'naive, first price'),
  ];
}

function kmsLines({ major }, times) {
  const line = (name, more = {}) =>
    ratioLine({
      row: '12',
      what: 'time to first key, fromKms',
      unit: 'ms',
      ours: times['goldkey, fromKms'],
      name,
      theirs: times[name],
      ...more,
    });
  const budget = major < 22 ? 0.5 : major < 24 ? 0.55 : 0.6;
  return [line('naive', { budget }), line('client-kms by require()')];
}

/** Rows 11 and 12: cold processes against a KMS on loopback. */
export const firstKeys = {
  rows: ['11', '12'],
  async run(bench) {
    const { startFakePriceApi } = await import('goldkey/testing');
    const kms = await startKms();
    const prices = await startFakePriceApi({ keys: [KEY] });
    const front = bench.wants('11') ? await startTlsFront(kms.config.url) : undefined;
    try {
      const { 'goldkey, fromKmsLight': _, ...withoutLight } = keys;
      const contestants = bench.wants('11') ? { ...keys, ...light } : withoutLight;
      const times = await rounds(bench, contestants, {
        config: kms.config,
        front,
        priceUrl: prices.url,
        profiled: { file: bench.wants('11') ? 'from-kms-light' : 'from-kms', folder: bench.profiles },
      });
      const figures = Object.fromEntries(
        Object.keys(keys).flatMap((name) => (name in times ? [[name, median(times[name].flat())]] : [])),
      );
      return [
        ...(bench.wants('11') ? lightLines(bench, times, figures) : []),
        ...(bench.wants('12') ? kmsLines(bench, times) : []),
      ];
    } finally {
      await front?.close();
      await prices.close();
      await kms.close();
    }
  },
};
