import type { httpbis, SignatureParameters } from 'http-message-signatures';
import { packageLoader } from '../util/load-package.js';

export type { SignatureParameters };

/** Loads the package that knows RFC 9421. */
export const loadSignatures: () => Promise<{ readonly httpbis: typeof httpbis }> = packageLoader(
  {
    need: 'goldkey/hmac needs the package for RFC 9421',
    name: 'http-message-signatures',
    provider: 'hmac',
  },
  async () => import('http-message-signatures'),
);
