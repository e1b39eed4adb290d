import type { PriceDialect, PriceErrorName, PriceReply } from '../types.js';
import { metalsApiDialect } from './metals-api.js';

/** commodities-api.com: metals-api's sister, which wraps every body in `data`, those of errors included. */
export const commoditiesApiDialect: PriceDialect = {
  findKey: metalsApiDialect.findKey,
  answer: (call, now, shown) => wrapBody(metalsApiDialect.answer(call, now, shown)),
  errors: Object.fromEntries(
    Object.entries(metalsApiDialect.errors).map(([name, reply]) => [name, wrapBody(reply)]),
  ) as Record<PriceErrorName, PriceReply>,
};

function wrapBody({ status, body }: PriceReply): PriceReply {
  return { status, body: { data: body } };
}
