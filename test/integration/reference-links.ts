import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The files of a site, and what may be linked to in them. */
export interface SiteFiles {
  /** The pages, by their path in the site. */
  readonly pages: readonly string[];
  /** Returns the links of `page` that lead nowhere: to no file, or to no place in a page. */
  findBroken(page: string, links: readonly string[]): string[];
  /** Returns the links that stand in the file of a page and stay in the site. */
  linksIn(page: string): readonly string[];
}

/** Stands for the site's address. */
const SITE = 'http://site.invalid/';

/** Reads a folder of pages as typedoc writes them. */
export async function readSite(folder: string): Promise<SiteFiles> {
  const names = (await readdir(folder, { recursive: true })).map((name) => name.replaceAll('\\', '/'));
  const pages = names.filter((name) => name.endsWith('.html')).toSorted();
  const files = new Set(names);
  const texts = new Map<string, string>();
  for (const page of pages) texts.set(page, await readFile(join(folder, page), 'utf8'));
  for (const icon of names.filter((name) => name.endsWith('.svg')))
    texts.set(icon, await readFile(join(folder, icon), 'utf8'));
  const places = new Map([...texts].map(([page, text]) => [page, new Set(attributesIn(text, ['id', 'name']))]));

  const isThere = (page: string, link: string): boolean => {
    const { pathname, hash } = new URL(link, new URL(page, SITE));
    const path = decodeURIComponent(pathname.slice(1)).replace(/(^|\/)$/, '$1index.html');
    const place = decodeURIComponent(hash.slice(1));
    return files.has(path) && (place === '' || places.get(path)?.has(place) === true);
  };
  return {
    pages,
    findBroken: (page, links) => links.filter((link) => !isThere(page, link)),
    linksIn: (page) =>
      attributesIn(texts.get(page) ?? '', ['href', 'src', 'srcset']).filter((link) => !/^[a-z]+:/.test(link)),
  };
}

function attributesIn(html: string, names: readonly string[]): string[] {
  const values = html.matchAll(new RegExp(`\\s(?:${names.join('|')})="([^"]*)"`, 'g'));
  return [...values].map(([, value = '']) =>
    value.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'),
  );
}
