/**
 * Several key stores as one: `import { fromBreakGlass, fromChain } from 'goldkey/chain'`.
 *
 * @module
 */
export { fromBreakGlass } from './providers/break-glass.js';
export type { BreakGlassOptions } from './providers/break-glass.js';
export { fromChain } from './providers/chain.js';
export type { ChainOptions } from './providers/chain-options.js';
