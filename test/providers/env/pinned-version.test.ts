import { afterEach, describe, expect, it, vi } from 'vitest';
import { pinnedVersion } from '../../../src/providers/env/index.js';
import { GoldDataClient } from '../../../src/index.js';
import { fileRing, fromKeyRing } from '../../../src/rotation/index.js';
import { PriceDesk } from '../../core/helpers.js';
import { NAME, ringScene } from '../../rotation/scene.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('pinnedVersion', () => {
  it.each([
    ['v2', 'v2'],
    [' v2\n', 'v2'],
    ['', undefined],
    ['  ', undefined],
    [undefined, undefined],
  ])('of %j is %j', (value, version) => {
    vi.stubEnv('GOLD_API_KEY_VERSION', value);

    expect(pinnedVersion()).toBe(version);
  });

  it('reads another variable, anew each time', () => {
    vi.stubEnv('SILVER_VERSION', 'v1');
    const before = pinnedVersion('SILVER_VERSION');
    vi.stubEnv('SILVER_VERSION', 'v3');

    expect([before, pinnedVersion('SILVER_VERSION')]).toEqual(['v1', 'v3']);
  });

  it.each(['constructor', 'toString', '__proto__'])('of %s, which every object has, is undefined', (name) => {
    expect(pinnedVersion(name)).toBe(undefined);
  });

  it.each([[''], [7 as never]])('of a name that is none (%j) is refused', (name) => {
    expect(() => pinnedVersion(name)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });

  it('has a ring serve that version without anything being deployed', async () => {
    const scene = await ringScene();
    const manager = scene.manager();
    await manager.init('the-first-key-0001');
    await manager.stage('the-second-key-002');
    const desk = new PriceDesk('the-first-key-0001', 'the-second-key-002');
    vi.stubEnv('GOLD_API_KEY_VERSION', 'v2');
    const keyProvider = fromKeyRing({
      ring: fileRing(scene.path),
      name: NAME,
      cipher: scene.cipher,
      pinnedVersion: pinnedVersion(),
    });
    const gold = new GoldDataClient({ keyProvider, clock: scene.clock, fetchPrice: desk.fetchPrice });

    await gold.getPrice('XAU');

    expect(gold.status().version).toBe('v2');
    await gold.close();
  });
});
