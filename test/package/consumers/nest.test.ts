import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { node, printed } from '../user.js';
import { installTools, makeProject } from './tools.js';

const PROGRAM = `
import 'reflect-metadata';
import { Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GoldDataClient } from 'goldkey';
import { metalsApi, type Quote } from 'goldkey/prices';
import { memoryKeyProvider, startFakePriceApi, type FakePriceApi } from 'goldkey/testing';

@Injectable()
class Prices implements OnApplicationShutdown {
  constructor(private readonly gold: GoldDataClient<Quote>) {}
  price(symbol: string): Promise<Quote> { return this.gold.getPrice(symbol); }
  async onApplicationShutdown(): Promise<void> { await this.gold.close(); }
}

const keyProvider = memoryKeyProvider({ current: 'first-key-0001' });
let api: FakePriceApi;

@Module({
  providers: [
    Prices,
    { provide: GoldDataClient, useFactory: () => new GoldDataClient({ keyProvider, ...metalsApi({ baseUrl: api.url }) }) },
  ],
})
class AppModule {}

async function main(): Promise<void> {
  api = await startFakePriceApi({ keys: ['first-key-0001'] });
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const prices = app.get(Prices);
  await prices.price('XAU');
  keyProvider.set('current', 'second-key-0002');
  api.accept('second-key-0002');
  api.revoke('first-key-0001');
  console.log((await prices.price('XAU')).metal, keyProvider.loads);
  await app.close();
  await api.close();
}
void main();
`;

// The options of Nest's own template.
const TSCONFIG = {
  compilerOptions: {
    target: 'es2021',
    module: 'commonjs',
    moduleResolution: 'node10',
    emitDecoratorMetadata: true,
    experimentalDecorators: true,
    strict: true,
    skipLibCheck: true,
    rootDir: 'src',
    outDir: 'dist',
    types: ['node'],
  },
  include: ['src'],
};

let project: string;
beforeAll(async () => {
  const tools = await installTools('nest');
  project = await makeProject(tools, { 'tsconfig.json': JSON.stringify(TSCONFIG), 'src/main.ts': PROGRAM });
}, 600_000);
afterAll(() => rm(project, { recursive: true }));

describe('a Nest module', () => {
  it('compiles to CommonJS, and its price is repaired', async () => {
    const compiled = await node([join(project, '..', 'node_modules', 'typescript', 'bin', 'tsc')], project);
    const ran = await node([join(project, 'dist', 'main.js')], project);

    expect(compiled).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(ran).toEqual(printed('XAU 2'));
  });
});
