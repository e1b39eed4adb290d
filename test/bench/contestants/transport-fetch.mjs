// Global fetch.
import { target } from '../lib/price-target.mjs';

export async function connect(origin) {
  const url = `${origin}${target}`;
  return async () => {
    const response = await fetch(url);
    return (await response.json()).rates.USDXAU;
  };
}
