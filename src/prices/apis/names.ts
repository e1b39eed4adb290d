/** The names of the price APIs, as the command line and the fake price API use them. */
export const PRICE_APIS = [
  'metals-api',
  'commodities-api',
  'metalpriceapi',
  'goldapi',
  'metals-dev',
  'api-ninjas',
  'twelve-data',
] as const;

/** The name of one price API. */
export type PriceApiName = (typeof PRICE_APIS)[number];

/** Returns the name that a text stands for, also spelt like the adapter (`twelveData`) or the vendor (`goldapi.io`). */
export function findPriceApiName(text: string): PriceApiName | undefined {
  // Other hosts are not stripped: gold-api.com is another vendor than goldapi.io.
  const letters = text === 'goldapi.io' ? 'goldapi' : keepLetters(text);
  return PRICE_APIS.find((name) => keepLetters(name) === letters);
}

function keepLetters(name: string): string {
  return name.toLowerCase().replace(/[^a-z]/g, '');
}
