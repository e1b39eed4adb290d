import {
  apiNinjas,
  commoditiesApi,
  goldApi,
  metalPriceApi,
  metalsApi,
  metalsDev,
  twelveData,
  type PriceApi,
  type PriceApiOptions,
} from '../../src/prices/index.js';

/** What the contract has to know of a price API. */
export interface ApiUnderTest {
  /** Its name as `source`, as `--api` and to the fake. */
  readonly api: string;
  readonly make: (options?: PriceApiOptions) => PriceApi;
  /** The vendor's own address. */
  readonly address: string;
  /** Where the key travels: `query name` or `header name`, and what stands before it. */
  readonly key: readonly ['query' | 'header', string, string?];
  /** The HTTP status of a key refused. */
  readonly refusal: number;
  /** How many requests XAG and XAU in USD and XAU in EUR take together; 0 where there is no `fetchPrices`. */
  readonly several: number;
  /** Whether symbols of metals beside the four are passed on to the vendor. */
  readonly passesOn: boolean;
  /** A body of the vendor's that refuses, with these words in it. */
  readonly refuses: (words: string) => readonly [status: number, body: object];
}

const apilayer = (info: string): object => ({ success: false, error: { code: 101, type: info, info } });

/** The seven. */
export const APIS: readonly ApiUnderTest[] = [
  {
    api: 'metals-api',
    make: metalsApi,
    address: 'https://metals-api.com/api/',
    key: ['query', 'access_key'],
    refusal: 401,
    several: 1,
    passesOn: true,
    refuses: (words) => [200, apilayer(words)],
  },
  {
    api: 'commodities-api',
    make: commoditiesApi,
    address: 'https://commodities-api.com/api/',
    key: ['query', 'access_key'],
    refusal: 401,
    several: 1,
    passesOn: true,
    refuses: (words) => [200, { data: apilayer(words) }],
  },
  {
    api: 'metalpriceapi',
    make: metalPriceApi,
    address: 'https://api.metalpriceapi.com/v1/',
    key: ['header', 'x-api-key'],
    refusal: 200,
    several: 1,
    passesOn: false,
    refuses: (message) => [200, { success: false, error: { statusCode: 102, message } }],
  },
  {
    api: 'goldapi',
    make: goldApi,
    address: 'https://www.goldapi.io/api/',
    key: ['header', 'x-access-token'],
    refusal: 403,
    several: 0,
    passesOn: false,
    refuses: (error) => [403, { error }],
  },
  {
    api: 'metals-dev',
    make: metalsDev,
    address: 'https://api.metals.dev/v1/',
    key: ['query', 'api_key'],
    refusal: 200,
    several: 2,
    passesOn: false,
    refuses: (words) => [200, { status: 'failure', error_code: 1, error_message: `Invalid API key: ${words}` }],
  },
  {
    api: 'api-ninjas',
    make: apiNinjas,
    address: 'https://api.api-ninjas.com/v1/',
    key: ['header', 'x-api-key'],
    refusal: 400,
    several: 2,
    passesOn: false,
    refuses: (words) => [400, { error: `Invalid API Key. ${words}` }],
  },
  {
    api: 'twelve-data',
    make: twelveData,
    address: 'https://api.twelvedata.com/',
    key: ['header', 'authorization', 'apikey '],
    refusal: 401,
    several: 1,
    passesOn: false,
    refuses: (message) => [200, { code: 401, message, status: 'error' }],
  },
];
