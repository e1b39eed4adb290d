// A service that OpenTelemetry watches, and whose key shows nowhere: metrics for Prometheus, spans on the console.
//
//   GOLD_API_KEY    the key (in production take a key store that encrypts it)
//   PRICE_API_URL   where the API is: GET <url>?access_key=<key>&symbols=XAU answers { "price": 2199.5 }
//   METRICS_PORT    where Prometheus scrapes; default 9464
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, ConsoleSpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { GoldDataClient } from 'goldkey';
import { fromEnvironment } from 'goldkey/env';
import { instrument, KeyRedactingSpanProcessor } from 'goldkey/opentelemetry';

const gold = new GoldDataClient({
  name: 'gold',
  keyProvider: fromEnvironment('GOLD_API_KEY'),
  // The instrumentation writes this URL into a span, with the key in its query.
  async fetchPrice(symbol, { apiKey, signal }) {
    const query = new URLSearchParams({ access_key: apiKey, symbols: symbol });
    const response = await fetch(`${process.env.PRICE_API_URL}?${query}`, { signal });
    if (!response.ok) throw Object.assign(new Error(`HTTP ${response.status}`), { status: response.status });
    const { price } = /** @type {any} */ (await response.json());
    return price;
  },
});

// The clients come first, because the processor takes them; the processor comes before those that export.
const tracerProvider = new BasicTracerProvider({
  spanProcessors: [new KeyRedactingSpanProcessor(gold), new SimpleSpanProcessor(new ConsoleSpanExporter())],
});
const port = Number(process.env.METRICS_PORT ?? 9464);
const exporter = new PrometheusExporter({ host: '127.0.0.1', port });
const meterProvider = new MeterProvider({ readers: [exporter] });
new UndiciInstrumentation().setTracerProvider(tracerProvider);
const stop = instrument(gold, { tracerProvider, meterProvider });

try {
  for (const symbol of ['XAU', 'XAG']) await gold.getPrice(symbol);
  const scraped = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  console.log(scraped.match(/^goldkey_calls_total.*$/m)?.[0]);
} finally {
  await gold.close();
  stop();
  await Promise.all([tracerProvider.shutdown(), meterProvider.shutdown()]);
}
