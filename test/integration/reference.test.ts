import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guides, readDocument } from '../examples/guides.js';
import { makeTempFolder } from '../programs/at-exit.mjs';
import { startChromium, type Chromium, type Screen, type Tab } from '../servers/chromium.js';
import { orSkip } from '../servers/or-skip.js';
import { run } from '../servers/process.js';
import { serveSite, type Site } from '../servers/site.js';
import { readSite, type SiteFiles } from './reference-links.js';

const BUILD = fileURLToPath(new URL('../../.ci/reference.mjs', import.meta.url));
const PAGE_SCRIPT = new URL('reference-page.mjs', import.meta.url);
/** The folder of a reference that is built already, as `.ci/run` has it. */
const BUILT = process.env['GOLDKEY_REFERENCE'] ?? '';
/** A folder for pictures of two pages, for those who review how they look. */
const PICTURES = process.env['GOLDKEY_PICTURES'] ?? '';
const WIDE: Screen = { width: 1280, scheme: 'light' };
const DARK: Screen = { width: 1280, scheme: 'dark' };
const PHONE: Screen = { width: 360, scheme: 'light' };
const DARK_PHONE: Screen = { width: 360, scheme: 'dark' };
/** Decides which of the many pages of exports are opened: `GOLDKEY_SEED=1234 npm run integration reference`. */
const SEED = process.env['GOLDKEY_SEED'] ?? String(Date.now());
const SAMPLE = 30;
const FRONT = 'index.html';
const FROM_KMS = 'functions/goldkey_kms.fromKms.html';

/** A page as the browser has shown it. */
interface Visit {
  readonly page: string;
  /** What is hard to read, and what is wider than the screen. */
  readonly faults: Readonly<Record<'light' | 'dark' | 'wide' | 'phone', readonly string[]>>;
  readonly content: { readonly heading: string; readonly characters: number };
  /** Links within the site, those included that the page's scripts have made. */
  readonly links: readonly string[];
  readonly errors: readonly string[];
}

const found = await orSkip(startChromium);

/** Returns the pages to open: all but those of single exports and programs, of which it is a sample. */
function choosePages(pages: readonly string[]): string[] {
  const isOneOfMany = (page: string): boolean => /^(?:classes|functions|interfaces|types)\/|\.\w+\.html$/.test(page);
  const rank = (page: string): string => createHash('sha256').update(`${SEED} ${page}`).digest('hex');
  const many = pages.filter(isOneOfMany).toSorted((a, b) => rank(a).localeCompare(rank(b)));
  return [...pages.filter((page) => !isOneOfMany(page)), ...many.slice(0, SAMPLE)];
}

describe.skipIf(found.skipped !== undefined)(`the API reference, pages by seed ${SEED} ${found.skipped ?? ''}`, () => {
  const chromium = found.server as Chromium;
  let folder: string;
  let site: Site;
  let files: SiteFiles;
  let tab: Tab;
  const visits: Visit[] = [];

  beforeAll(async () => {
    folder = BUILT === '' ? makeTempFolder('goldkey-reference-') : BUILT;
    if (BUILT === '') await run(process.execPath, [BUILD, folder]);
    files = await readSite(folder);
    site = await serveSite(folder, 'goldkey');
    tab = await chromium.openTab(await readFile(PAGE_SCRIPT, 'utf8'));
    for (const page of choosePages(files.pages)) visits.push(await visit(page));
    if (PICTURES !== '') for (const page of [FRONT, FROM_KMS]) await takePictures(page);
  });
  afterAll(async () => {
    await chromium[Symbol.asyncDispose]();
    await site[Symbol.asyncDispose]();
    if (BUILT === '') await rm(folder, { recursive: true });
  });

  async function open(page: string, screen: Screen): Promise<void> {
    await tab.show(screen);
    await tab.open(site.url + page);
    await tab.evaluate('goldkey.settled()');
  }

  /** Returns what is hard to read, or wider than the screen, in the page that is open. */
  async function findFaults(...screens: Screen[]): Promise<string[]> {
    const faults: string[] = [];
    for (const screen of screens) {
      await tab.show(screen);
      faults.push(...(await tab.evaluate<string[]>('[...goldkey.faintTexts(), ...goldkey.wideTexts()]')));
    }
    return faults;
  }

  async function visit(page: string): Promise<Visit> {
    await open(page, WIDE);
    const light = await tab.evaluate<string[]>('goldkey.faintTexts()');
    const wide = await tab.evaluate<string[]>('goldkey.wideTexts()');
    await tab.show(DARK);
    const dark = await tab.evaluate<string[]>('goldkey.faintTexts()');
    await tab.show(DARK_PHONE);
    const phone = await tab.evaluate<string[]>('goldkey.wideTexts()');
    const content = await tab.evaluate<Visit['content']>('goldkey.content()');
    const links = await tab.evaluate<string[]>('goldkey.links()');
    const inside = links.filter((link) => link.startsWith(site.url)).map((link) => `/${link.slice(site.url.length)}`);
    return { page, faults: { light, dark, wide, phone }, content, links: inside, errors: tab.takeErrors() };
  }

  async function takePictures(page: string): Promise<void> {
    await mkdir(PICTURES, { recursive: true });
    for (const screen of [WIDE, DARK, PHONE, DARK_PHONE]) {
      await open(page, screen);
      const name = `${page.replace(/^.*\/|\.html$/g, '')}-${screen.scheme}-${String(screen.width)}.png`;
      await writeFile(join(PICTURES, name), await tab.takePicture());
    }
  }

  /** Returns the findings on all pages; an equal one once, with the first page that has it. */
  function findings(findIn: (visit: Visit) => readonly string[]): string[] {
    const pages = new Map<string, string>();
    for (const each of visits) for (const one of findIn(each)) if (!pages.has(one)) pages.set(one, each.page);
    return [...pages].map(([one, page]) => `${page}: ${one}`);
  }

  it('has a page for every subpath and every guide', () => {
    const { exports } = JSON.parse(readDocument('package.json')) as { exports: object };
    const subpaths = Object.keys(exports).filter((subpath) => subpath !== './package.json');
    const modules = subpaths.map((subpath) => `Module ${subpath.replace('.', 'goldkey')}`);
    const titles = guides.map((guide) => /^# (.+)$/m.exec(readDocument(guide))?.[1] ?? guide);
    const headings = new Set(visits.map(({ content }) => content.heading));

    expect([...modules, ...titles].filter((heading) => !headings.has(heading))).toEqual([]);
  });

  it('every page that is opened has something to read, and reports no error', () => {
    const blank = ({ content }: Visit): string[] => (content.characters > 20 ? [] : ['nothing to read']);

    expect(findings((each) => [...each.errors, ...blank(each)])).toEqual([]);
    expect(visits.length).toBeGreaterThan(SAMPLE + 40);
  });

  it.each(['light', 'dark'] as const)('in the %s, every text has a contrast of at least 4.5', (scheme) => {
    expect(findings(({ faults }) => faults[scheme])).toEqual([]);
  });

  it.each([
    { width: 360, screen: 'phone' as const },
    { width: 1280, screen: 'wide' as const },
  ])('no page is wider than a screen of $width px, and no text ends beyond its edge', ({ screen }) => {
    expect(findings(({ faults }) => faults[screen])).toEqual([]);
  });

  it('no link of any page leads nowhere, nor any that its scripts make', () => {
    const inFiles = files.pages.flatMap((page) =>
      files.findBroken(page, files.linksIn(page)).map((link) => `${page}: ${link}`),
    );
    const inBrowser = findings(({ page, links }) => files.findBroken(page, links));

    expect([...inFiles, ...inBrowser]).toEqual([]);
    expect(files.pages.length).toBeGreaterThan(200);
  });

  it.each([WIDE, PHONE])('the search finds fromKms on a screen of $width px', async (screen) => {
    await open(FRONT, screen);
    await tab.evaluate('goldkey.openSearch()');
    await tab.type('fromKms');
    const [best] = await tab.evaluate<string[]>('goldkey.searchResults()');

    expect(best).toBe(site.url + FROM_KMS);
    expect(await findFaults(screen, { ...screen, scheme: 'dark' })).toEqual([]);
    expect(tab.takeErrors()).toEqual([]);
  });

  it('the search finds what a guide says', async () => {
    await open(FROM_KMS, WIDE);
    await tab.evaluate('goldkey.openSearch()');
    await tab.type('CloudTrail');

    expect(await tab.evaluate<string[]>('goldkey.searchResults()')).toContain(`${site.url}guides/kms/index.html`);
  });

  it('the menu opens on a screen of 360 px', async () => {
    await open(FROM_KMS, PHONE);

    expect(await tab.evaluate<boolean>('goldkey.openMenu()')).toBe(true);
    expect(await findFaults(PHONE, DARK_PHONE)).toEqual([]);
  });
});
