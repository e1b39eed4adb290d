/**
 * For AWS Lambda: `import { goldKeyMiddleware, withGoldKey } from 'goldkey/lambda'`
 *
 * @module
 */
export { goldKeyMiddleware } from './middleware.js';
export type { GoldKeyMiddleware, GoldKeyMiddlewareOptions } from './middleware.js';
export type { LambdaContext, LambdaOptions } from './options.js';
export { withGoldKey } from './with-gold-key.js';
