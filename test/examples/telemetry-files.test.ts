import { DataPointType } from '@opentelemetry/sdk-metrics';
import { describe, expect, it } from 'vitest';
import { KeyedClient, type LoadedKey } from '../../src/index.js';
import { instrument } from '../../src/opentelemetry/index.js';
import { startSdk } from '../opentelemetry/sdk.js';
import { readDocument } from './guides.js';

/** The names of the metrics, as Prometheus knows them: with the unit and without it. */
async function prometheusNames(): Promise<string[]> {
  const { meterProvider, metrics } = startSdk();
  const load = async (): Promise<LoadedKey> => ({
    bytes: new TextEncoder().encode('first-key-0001'),
    version: 'v1',
    createdAt: 1,
  });
  const client = new KeyedClient({ keyProvider: { name: 'memory', load } });
  const stop = instrument(client, { meterProvider });
  await client.prefetch();
  const found = [...(await metrics()).values()];
  stop();
  return found.flatMap(({ descriptor: { name, unit }, dataPointType, ...more }) => {
    const plain = name.replaceAll('.', '_');
    const units = unit === 's' ? ['', '_seconds'] : [''];
    const isCounter = 'isMonotonic' in more && more.isMonotonic;
    const suffixes = dataPointType === DataPointType.HISTOGRAM ? ['_bucket', '_count'] : [isCounter ? '_total' : ''];
    return units.flatMap((one) => suffixes.map((suffix) => plain + one + suffix));
  });
}

/** The metrics that a file of the guide asks for. */
const asked = (path: string): string[] => {
  const found = readDocument(path).matchAll(/\bgoldkey_(?!client|provider|state\b)[a-z_]+(?:\(_seconds\)\?[a-z_]*)?/g);
  return [...new Set([...found].map(([name]) => name))];
};

describe('a file of the telemetry guide', () => {
  it.each(['goldkey-alerts.yml', 'goldkey-alerts.test.yml', 'grafana-dashboard.json'])(
    '%s asks for metrics that there are',
    async (name) => {
      const names = await prometheusNames();
      const wanted = asked(`examples/telemetry/${name}`);

      expect(wanted.length).toBeGreaterThan(4);
      expect(wanted.filter((one) => !names.some((known) => new RegExp(`^${one}$`).test(known)))).toEqual([]);
    },
  );

  it('each alert says what happened and what to do', () => {
    const rules = readDocument('examples/telemetry/goldkey-alerts.yml').split('- alert: ').slice(1);

    expect(rules).toHaveLength(7);
    for (const rule of rules) for (const part of ['summary: ', 'action: ', 'severity: ']) expect(rule).toContain(part);
  });

  it('the dashboard has a panel for what each alert is about, and no two on one place', () => {
    const { panels } = JSON.parse(readDocument('examples/telemetry/grafana-dashboard.json')) as {
      panels: { title: string; gridPos: object; targets: { expr: string }[] }[];
    };
    const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)).join('\n');

    for (const metric of ['key_age', 'key_state', 'rollout_reverts', 'key_repairs', 'load_duration'])
      expect(expressions).toContain(metric);
    expect(new Set(panels.map(({ gridPos }) => JSON.stringify(gridPos))).size).toBe(panels.length);
  });
});
