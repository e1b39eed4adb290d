import type { Quote } from './types.js';

/** How many troy ounces one unit is, by the exact definitions: 31.1034768 g to the ounce, 11.6638038 g to the tola. */
const TROY_OUNCES: Readonly<Record<Quote['unit'], number>> = {
  troy_ounce: 1,
  gram: 1 / 31.1034768,
  kilogram: 1000 / 31.1034768,
  tola: 11.6638038 / 31.1034768,
};

/** The names of the units. */
export const UNITS: readonly Quote['unit'][] = ['troy_ounce', 'gram', 'kilogram', 'tola'];

/** Turns a price per troy ounce into one per `unit`. */
export function perUnit(perTroyOunce: number, unit: Quote['unit']): number {
  return perTroyOunce * TROY_OUNCES[unit];
}
