import { spawn } from 'node:child_process';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeTempFolder } from '../programs/at-exit.mjs';
import { answers, cacheFolder, freePort, ready, run, stopped } from './process.js';

/** An alert, as Prometheus tells it. */
export interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
}

/** A Prometheus on loopback that scrapes one target each second. */
export interface Prometheus extends AsyncDisposable {
  /** The alerts that fire now, by name and client: `GoldkeyKeyOld gold`. */
  firing(): Promise<string[]>;
  alerts(): Promise<readonly Alert[]>;
}

/** Debian's package is unpacked, not installed: nothing is started as a service. */
const HOW = 'apt-get install --no-install-recommends prometheus (or put prometheus and promtool into the PATH)';

/**
 * Returns the path of `prometheus` or `promtool`: the one of the PATH, else one from Debian's package in a cache folder.
 *
 * @throws {Error} whose message says what is missing and how to get it
 */
export async function findPrometheus(program: 'prometheus' | 'promtool'): Promise<string> {
  const folder = cacheFolder('prometheus');
  const unpacked = join(folder, 'usr', 'bin', program);
  for (const path of [program, unpacked]) if (await isThere(path)) return path;
  try {
    await mkdir(folder, { recursive: true });
    const download = (): Promise<unknown> => run('apt-get', ['download', '-qq', 'prometheus'], { cwd: folder });
    await download().catch(() => run('apt-get', ['update', '-qq']).then(download));
    const archive = (await readdir(folder)).find((name) => name.endsWith('.deb')) ?? '';
    await run('dpkg-deb', ['-x', archive, folder], { cwd: folder });
    await rm(join(folder, archive));
  } catch (error) {
    throw new Error(`Prometheus could not be installed; to run these tests: ${HOW}`, { cause: error });
  }
  return unpacked;
}

async function isThere(path: string): Promise<boolean> {
  return await run(path, ['--version']).then(
    () => true,
    () => false,
  );
}

/**
 * Starts Prometheus, in a folder that is removed with it.
 *
 * @param target - `127.0.0.1:<port>` of what it scrapes
 * @param rules - the text of a file of alert rules
 */
export async function startPrometheus(target: string, rules: string): Promise<Prometheus> {
  const program = await findPrometheus('prometheus');
  const folder = makeTempFolder('prometheus-', cacheFolder('.'));
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: ['rules.yml'],
    scrape_configs: [{ job_name: 'service', static_configs: [{ targets: [target] }] }],
  };
  await writeFile(join(folder, 'rules.yml'), rules);
  // JSON is YAML.
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const port = await freePort();
  const flags = [
    'config.file=prometheus.yml',
    'storage.tsdb.path=data',
    `web.listen-address=127.0.0.1:${String(port)}`,
  ];
  const server = spawn(
    program,
    flags.map((flag) => `--${flag}`),
    { cwd: folder, stdio: 'ignore' },
  );
  const url = `http://127.0.0.1:${String(port)}`;
  await ready('prometheus', server, () => answers(`${url}/-/ready`));
  const alerts = async (): Promise<readonly Alert[]> => {
    const answer = await fetch(`${url}/api/v1/alerts`);
    return ((await answer.json()) as { data: { alerts: readonly Alert[] } }).data.alerts;
  };
  return {
    alerts,
    firing: async () => {
      const found = (await alerts()).filter(({ state }) => state === 'firing');
      return found.map(({ labels }) => `${labels['alertname'] ?? ''} ${labels['goldkey_client'] ?? ''}`).toSorted();
    },
    [Symbol.asyncDispose]: async () => {
      await stopped(server);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
