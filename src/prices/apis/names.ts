/** The price APIs there are adapters for, as a command line and a fake name them. */
export const PRICE_APIS = [
  'metals-api',
  'commodities-api',
  'metalpriceapi',
  'goldapi',
  'metals-dev',
  'api-ninjas',
  'twelve-data',
] as const;

export type PriceApiName = (typeof PRICE_APIS)[number];

/** The API that a text means, also where it is spelt as its adapter (`twelveData`) or as the vendor does (`goldapi.io`). */
export function priceApiNamed(text: string): PriceApiName | undefined {
  // Not any host: gold-api.com is another vendor than goldapi.io.
  const plain = text === 'goldapi.io' ? 'goldapi' : plainly(text);
  return PRICE_APIS.find((name) => plainly(name) === plain);
}

function plainly(name: string): string {
  return name.toLowerCase().replace(/[^a-z]/g, '');
}
