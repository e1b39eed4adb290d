import { parse, type Node } from 'acorn';
import { COUNTERS } from './built.js';

/** A source whose blocks count how often they run. */
export interface Instrumented {
  readonly code: string;
  /** The number of blocks, which count from `first`. */
  readonly blocks: number;
  /** The short texts of the source: what it compares with, and the names of fields. */
  readonly words: readonly string[];
}

/** A text to insert; of two at one place the ends of inner parts come first, and the beginnings of outer ones. */
interface Insertion {
  readonly at: number;
  readonly text: string;
  readonly rank: number;
}

type AnyNode = Node & Readonly<Record<string, unknown>>;

/**
 * Returns JavaScript that counts how often each of its blocks runs: bodies of functions and loops, both sides of an `if`, a
 * conditional and a logical expression, the cases of a `switch`, handlers. Coverage from V8 would cost a millisecond a run.
 */
export function instrument(source: string, first: number): Instrumented {
  const insertions: Insertion[] = [];
  const words = new Set<string>();
  let blocks = 0;
  let order = 0;
  const count = (): string => `$hits[${String(first + blocks++)}]++`;
  const open = (at: number, text: string): void => void insertions.push({ at, text, rank: ++order });
  const close = (at: number, text: string): void => void insertions.push({ at, text, rank: -++order });
  const wrapExpression = ({ start, end }: Node): void => {
    open(start, `(${count()}, (`);
    close(end, '))');
  };
  const wrapStatement = (node: AnyNode): void => {
    if (node.type === 'BlockStatement') {
      open(node.start + 1, `${count()};`);
      return;
    }
    open(node.start, `{${count()};`);
    close(node.end, '}');
  };

  const visit = (node: AnyNode): void => {
    const child = (name: string): AnyNode => node[name] as AnyNode;
    switch (node.type) {
      case 'ArrowFunctionExpression':
      case 'FunctionExpression':
      case 'FunctionDeclaration':
        if (child('body').type === 'BlockStatement') wrapStatement(child('body'));
        else wrapExpression(child('body'));
        break;
      case 'IfStatement':
        if (child('alternate') === null) close(node.end, ` else {${count()};}`);
        else wrapStatement(child('alternate'));
        wrapStatement(child('consequent'));
        break;
      case 'ForStatement':
      case 'ForInStatement':
      case 'ForOfStatement':
      case 'WhileStatement':
      case 'DoWhileStatement':
      case 'CatchClause':
        wrapStatement(child('body'));
        break;
      case 'ConditionalExpression':
        wrapExpression(child('consequent'));
        wrapExpression(child('alternate'));
        break;
      case 'LogicalExpression':
        wrapExpression(child('right'));
        break;
      case 'SwitchCase': {
        const [statement] = node['consequent'] as AnyNode[];
        if (statement !== undefined) open(statement.start, `${count()};`);
        break;
      }
      case 'Literal':
        if (typeof node['value'] === 'string') words.add(node['value']);
        break;
      case 'MemberExpression':
      case 'Property': {
        const name = child(node.type === 'Property' ? 'key' : 'property');
        if (name.type === 'Identifier') words.add(name['name'] as string);
        break;
      }
      default:
    }
    for (const value of Object.values(node)) {
      for (const each of Array.isArray(value) ? (value as unknown[]) : [value]) {
        if (typeof (each as Partial<Node> | null)?.type === 'string') visit(each as AnyNode);
      }
    }
  };
  visit(parse(source, { ecmaVersion: 'latest', sourceType: 'module' }) as unknown as AnyNode);

  let code = '';
  let copied = 0;
  for (const { at, text } of insertions.toSorted((a, b) => a.at - b.at || a.rank - b.rank)) {
    code += source.slice(copied, at) + text;
    copied = at;
  }
  return {
    code: `const $hits = globalThis.${COUNTERS};${code}${source.slice(copied)}`,
    blocks,
    words: [...words].filter((word) => word.length > 1 && word.length <= 32 && !word.includes(' ')),
  };
}
