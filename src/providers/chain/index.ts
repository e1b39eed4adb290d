/**
 * Several key stores as one: `import { fromBreakGlass, fromChain } from 'goldkey/chain'`.
 *
 * @module
 */
export { fromBreakGlass } from './from-break-glass.js';
export type { BreakGlassOptions } from './from-break-glass.js';
export { fromChain } from './from-chain.js';
export type { ChainOptions } from './from-chain.js';
