import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** When an import takes place. A type is erased; a built-in module is fetched by name. */
export type How = 'static' | 'lazy' | 'type' | 'builtin';

/** One import of one file. */
export interface Import {
  how: How;
  from: string;
}

/** A source, as far as its imports and a few habits go. */
export interface Source {
  /** Below src, with slashes. */
  path: string;
  text: string;
  imports: Import[];
  readsEnvironment: boolean;
  hasDefaultExport: boolean;
  onlyReExports: boolean;
}

const SRC = fileURLToPath(new URL('../../src', import.meta.url));

/** Every source of the package. */
export const sources: readonly Source[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => read(relative(SRC, join(SRC, name)).replaceAll('\\', '/'), readFileSync(join(SRC, name), 'utf8')));

/** Reads one source; `path` is where it lies below src. */
export function read(path: string, text: string): Source {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
  const source: Source = {
    path,
    text,
    imports: [],
    readsEnvironment: false,
    hasDefaultExport: false,
    onlyReExports: file.statements.every((statement) => ts.isExportDeclaration(statement) && statement.moduleSpecifier),
  };
  const add = (how: How, from: ts.Node | undefined): void => {
    if (from !== undefined && ts.isStringLiteralLike(from)) source.imports.push({ how, from: from.text });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword ? 'type' : 'static', node.moduleSpecifier);
    } else if (ts.isExportDeclaration(node)) {
      add(node.isTypeOnly ? 'type' : 'static', node.moduleSpecifier);
    } else if (ts.isImportTypeNode(node)) {
      add('type', ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined);
    } else if (ts.isCallExpression(node)) {
      const callee = node.expression.getText(file);
      if (/(^|\.)getBuiltinModule$/.test(callee)) add('builtin', node.arguments[0]);
      else if (/^(import|require)$|(^|\.)createRequire\(/.test(callee)) add('lazy', node.arguments[0]);
    } else if (
      // (`default:` of a switch is a clause of its own, not a keyword.)
      ts.isExportAssignment(node) ||
      node.kind === ts.SyntaxKind.DefaultKeyword ||
      (ts.isExportSpecifier(node) && node.name.text === 'default')
    ) {
      source.hasDefaultExport = true;
    }
    if (ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node)) {
      if (/^(globalThis\.)?process(\??\.env$|\[)/.test(node.getText(file))) source.readsEnvironment = true;
    } else if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name)) {
      if (node.initializer?.getText(file) === 'process' && /\benv\b/.test(node.name.getText(file)))
        source.readsEnvironment = true;
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return source;
}

/** The source that an import names, below src; `undefined` for a package or a built-in module. */
export function target({ path }: Source, { from }: Import): string | undefined {
  if (!from.startsWith('.')) return undefined;
  return join(path, '..', from).replaceAll('\\', '/').replace(/\.js$/, '.ts');
}

/** Collects the items by a name of each. */
export function groupBy<T>(items: Iterable<T>, nameOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(nameOf(item)) ?? [];
    groups.set(nameOf(item), [...group, item]);
  }
  return groups;
}
