import type { PriceDialect, PriceReply } from '../types.js';
import { metalsApiDialect } from './metals-api.js';

/** commodities-api.com: metals-api's sister, whose every body, refusals among them, is wrapped in `data`. */
export const commoditiesApiDialect: PriceDialect = {
  keyOf: (call) => metalsApiDialect.keyOf(call),
  keyRefused: (missing) => wrapped(metalsApiDialect.keyRefused(missing)),
  answer: (call, now) => wrapped(metalsApiDialect.answer(call, now)),
  implausible: (call, now) => wrapped(metalsApiDialect.implausible(call, now)),
  quota: () => wrapped(metalsApiDialect.quota()),
  plan: () => wrapped(metalsApiDialect.plan()),
  rateLimited: () => wrapped(metalsApiDialect.rateLimited()),
};

function wrapped({ status, body }: PriceReply): PriceReply {
  return { status, body: { data: body } };
}
