/** A metal that a symbol stands for. */
export interface Metal {
  /** Its own symbol, e.g. `XAU` for `LBMA-XAU-PM`. */
  readonly symbol: string;
  /**
   * Whether an ounce of it is a troy ounce: of a precious metal, and of what London's two markets trade. Otherwise the
   * vendors do not say which ounce they mean.
   */
  readonly isTroy: boolean;
}

/** The four metals that every price API has, by symbol, with the names that some of them use instead. */
const METAL_NAMES: Readonly<Record<string, string>> = {
  XAU: 'gold',
  XAG: 'silver',
  XPT: 'platinum',
  XPD: 'palladium',
};

/** The symbols of precious metals: ISO 4217's, and the vendors' for rhodium, ruthenium and iridium. */
const PRECIOUS: readonly string[] = [...Object.keys(METAL_NAMES), 'XRH', 'RUTH', 'IRD'];
/** The vendors' symbols of base metals; one metal may have two. */
const BASE: readonly string[] = (
  'XCU ALU XAL ZNC XZN NI XNI LEAD XPB TIN XSN IRON LCO XCO GA XGA IN XIN LITHIUM XLI MO XMO ND XND TE XTE ' +
  'URANIUM XU ANTIMONY MG XMG MN XMN BRONZE'
).split(' ');
/** A fixing of the London Bullion Market: `LBMA-XAU`, `LBMA-XAU-AM`, `LBXAUPM`. */
const BULLION_MARKET = /^(?:LBMA-|LB)(XAU|XAG|XPT|XPD)(?:-?[AP]M)?$/;
/** A price of the London Metal Exchange, for now or in three months: `LME-XCU`, `LME-XCU-3M`, `XCU3M`. */
const METAL_EXCHANGE = /^(?:LME-([A-Z]+)(?:-?3M)?|([A-Z]+)3M)$/;

/** The list of metals for messages. */
export const KNOWN_METALS: string = `\`${PRECIOUS.join('`, `')}\`, a base metal such as \`XCU\` or \`ALU\`, or a fixing such as \`LBMA-XAU\` or \`LME-XCU\``;

/** The metals by their own symbols. */
const METALS: ReadonlyMap<unknown, Metal> = new Map<unknown, Metal>([
  ...PRECIOUS.map((symbol) => [symbol, { symbol, isTroy: true }] as const),
  ...BASE.map((symbol) => [symbol, { symbol, isTroy: false }] as const),
]);
/** The shortest symbol of a fixing: `MO3M`. */
const SHORTEST_FIXING = 4;

/** Returns the metal that a symbol stands for, or `undefined` for a currency, another good, or anything else. */
export function findMetal(symbol: unknown): Metal | undefined {
  const metal = METALS.get(symbol);
  if (metal !== undefined || typeof symbol !== 'string' || symbol.length < SHORTEST_FIXING) return metal;
  const bullion = BULLION_MARKET.exec(symbol)?.[1];
  if (bullion !== undefined) return { symbol: bullion, isTroy: true };
  const [, now, later = now] = METAL_EXCHANGE.exec(symbol) ?? [];
  return later !== undefined && BASE.includes(later) ? { symbol: later, isTroy: true } : undefined;
}

/** Returns whether `value` is the symbol of a metal. */
export function isMetalSymbol(value: unknown): value is string {
  return findMetal(value) !== undefined;
}

/** Returns why an API that is used for the four metals only cannot give a price, or `undefined` if it can. */
export function explainUnknownMetal({ metal }: { readonly metal: string }): string | undefined {
  return Object.hasOwn(METAL_NAMES, metal)
    ? undefined
    : `has ${Object.keys(METAL_NAMES).join(', ')} per troy ounce, and no other metal`;
}

/** Returns the English name of one of the four metals. */
export function getMetalName({ metal }: { readonly metal: string }): string {
  return METAL_NAMES[metal] ?? metal;
}
