import { createHash } from 'node:crypto';
import { redactValue } from '../../../core/index.js';
import { readManifest } from '../../manifest.js';
import type { Hit } from './content-scanner.js';

/** A key that was found. It has no part of the key. */
export interface Finding extends Omit<Hit, 'key'> {
  readonly path: string;
  readonly fingerprint: string;
  readonly version: string;
  /** The commit that brought it. */
  readonly commit?: string | undefined;
}

const SCHEMA = 'https://json.schemastore.org/sarif-2.1.0.json';
const RULE = 'exact-key';

/** Returns a path as text, without keys; bytes that are not UTF-8 as `\xff`. */
export function decodePath(path: Buffer, secrets: readonly string[]): string {
  let text = path.toString();
  if (!Buffer.from(text).equals(path)) {
    text = Array.from(path, (byte) => (byte < 0x80 ? String.fromCharCode(byte) : escapeCode('x', byte, 2))).join('');
  }
  return redactValue(text, secrets);
}

/** Returns a finding as one line: `path:line:column form fingerprint version commit`. */
export function formatFinding({ path, line, column, form, fingerprint, version, commit }: Finding): string {
  const place = `${escapePath(path)}:${String(line)}:${String(column)}`;
  return [place, form, fingerprint, version, ...(commit === undefined ? [] : [commit])].join(' ');
}

/** Returns a path without what would break a line or change how a terminal shows it. */
export function escapePath(path: string): string {
  return path.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return char === '\n' ? String.raw`\n` : code < 256 ? escapeCode('x', code, 2) : escapeCode('u', code, 4);
  });
}

/** Returns the findings as SARIF 2.1.0, without the text that they stand in. */
export function createSarif(findings: readonly Finding[]): unknown {
  const { version: semanticVersion } = readManifest();
  const rule = {
    id: RULE,
    name: 'ExactKey',
    shortDescription: { text: 'An API key stands where others can read it.' },
    help: { text: 'Rotate the key, then remove it from this place.' },
    defaultConfiguration: { level: 'error' },
  };
  const results = findings.map((finding) => {
    const { path, form, fingerprint, version, commit } = finding;
    const { line: startLine, column: startColumn, endLine, endColumn } = finding;
    const identity = [path, form, fingerprint, commit ?? '', String(startLine), String(startColumn)].join('\0');
    const uri = path.split('/').map(encodeURIComponent).join('/');
    return {
      ruleId: RULE,
      ruleIndex: 0,
      level: 'error',
      message: { text: `The key with fingerprint ${fingerprint} (version ${version}) stands here, as ${form}.` },
      locations: [
        { physicalLocation: { artifactLocation: { uri }, region: { startLine, startColumn, endLine, endColumn } } },
      ],
      partialFingerprints: { 'goldkey/1': createHash('sha256').update(identity).digest('hex') },
      ...(commit !== undefined && { properties: { commit } }),
    };
  });
  const driver = {
    name: 'goldkey',
    semanticVersion,
    informationUri: 'https://www.npmjs.com/package/goldkey',
    rules: [rule],
  };
  return { $schema: SCHEMA, version: '2.1.0', runs: [{ tool: { driver }, columnKind: 'unicodeCodePoints', results }] };
}

/** Returns a number of bytes as people read it: `1.2 GB`. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
  const unit = bytes < 1_000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const amount = bytes / 1_000 ** unit;
  return `${unit === 0 ? String(bytes) : amount.toFixed(1)} ${units[unit] ?? ''}`;
}

/** Returns a number with its noun: `1 file`, `12,345 files`. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}

function escapeCode(letter: string, code: number, digits: number): string {
  return `\\${letter}${code.toString(16).padStart(digits, '0')}`;
}
