import { format } from 'prettier';
import ts from 'typescript';
import manifest from '../../package.json' with { type: 'json' };

/** A top-level declaration: what a user imports, or what its type is made of. */
type Statement = ts.DeclarationStatement | ts.VariableStatement;

/** Where a declaration is public: the uppermost module that exports it, and its name there. */
interface Home {
  module: string;
  name: string;
}

const printer = ts.createPrinter({ removeComments: true });

/**
 * Reports what modules declare to their users, without comments: each export with its declaration, and below them the
 * declarations that no module exports but that these are made of. What another module exports is named, not repeated.
 *
 * @param folder - the package; what lies elsewhere is only named
 * @param modules - the path of each module's declarations, by the name that a user imports it by
 * @returns the report of each module, by the same name
 */
export async function reportApi(folder: string, modules: ReadonlyMap<string, string>): Promise<Map<string, string>> {
  const options = { noLib: true, types: [], module: ts.ModuleKind.NodeNext };
  const program = ts.createProgram([...modules.values()], options);
  const checker = program.getTypeChecker();
  const resolve = (symbol: ts.Symbol): ts.Symbol =>
    (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol);
  const exportsOf = (path: string): Map<string, ts.Symbol> => {
    const module = checker.getSymbolAtLocation(program.getSourceFile(path) as ts.SourceFile) as ts.Symbol;
    return new Map(checker.getExportsOfModule(module).map((symbol) => [symbol.name, resolve(symbol)]));
  };

  const homes = new Map<ts.Symbol, Home>();
  const depthOf = (module: string): number => module.split('/').length;
  for (const [module, path] of [...modules].toSorted(([a], [b]) => depthOf(a) - depthOf(b))) {
    for (const [name, symbol] of exportsOf(path)) if (!homes.has(symbol)) homes.set(symbol, { module, name });
  }

  const statementsOf = (symbol: ts.Symbol): Statement[] =>
    (symbol.declarations ?? [])
      .map((declaration) => (ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration))
      .filter((node): node is Statement => ts.isSourceFile(node.parent))
      .filter((node) => node.getSourceFile().fileName.startsWith(folder));
  const declare = (symbol: ts.Symbol, opening: string): string =>
    statementsOf(symbol)
      .map((node) => printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile()))
      .map((text) => opening + text.replace(/^export /, ''))
      .join('\n');

  const report = (module: string, path: string): string => {
    const imports = new Map<string, Set<string>>();
    const addImport = (from: string, imported: string): void => {
      imports.set(from, (imports.get(from) ?? new Set()).add(imported));
    };
    const hidden = new Set<ts.Symbol>();
    const visited = new Set<ts.Symbol>();
    /** Collects what a declaration names. */
    const follow = (symbol: ts.Symbol): void => {
      if (visited.has(symbol)) return;
      visited.add(symbol);
      for (const statement of statementsOf(symbol)) visit(statement);
    };
    const visit = (node: ts.Node): void => {
      if (ts.isIdentifier(node)) addName(node);
      ts.forEachChild(node, visit);
    };
    const addName = (identifier: ts.Identifier): void => {
      const symbol = checker.getSymbolAtLocation(identifier);
      if (symbol === undefined) return;
      const target = resolve(symbol);
      const home = homes.get(target);
      if (home !== undefined && home.module !== module) {
        addImport(home.module, home.name);
      } else if (statementsOf(target).length > 0) {
        if (home === undefined) hidden.add(target);
        follow(target);
      } else {
        const from = importOf(symbol);
        if (from !== undefined) addImport(from, symbol.name);
      }
    };

    const lines: string[] = [];
    for (const [exported, symbol] of [...exportsOf(path)].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      const home = homes.get(symbol) as Home;
      if (home.module !== module) {
        lines.push(
          `export { ${home.name === exported ? exported : `${home.name} as ${exported}`} } from '${home.module}';`,
        );
        continue;
      }
      follow(symbol);
      lines.push(declare(symbol, 'export '));
      if (symbol.name !== exported) lines.push(`export { ${symbol.name} as ${exported} };`);
    }
    const inner = [...hidden].map((symbol) => declare(symbol, '')).toSorted();
    const needs = [...imports]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([from, names]) => `import type { ${[...names].toSorted().join(', ')} } from '${from}';`);
    return [needs.join('\n'), ...lines, ...inner].join('\n\n');
  };

  const reports = new Map<string, string>();
  for (const [module, path] of modules) {
    const text = await format(report(module, path), { ...(manifest.prettier as object), parser: 'typescript' });
    reports.set(module, text);
  }
  return reports;
}

/** Returns the package that an import takes a name from, or `undefined` for a file of this package. */
function importOf(symbol: ts.Symbol): string | undefined {
  const [declaration] = symbol.declarations ?? [];
  if (declaration === undefined || !ts.isImportSpecifier(declaration)) return undefined;
  const from = declaration.parent.parent.parent.moduleSpecifier as ts.StringLiteral;
  return from.text.startsWith('.') ? undefined : from.text;
}
