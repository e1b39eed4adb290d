// undici's pool, by request().
import { Pool } from 'undici';
import { target } from '../lib/price-target.mjs';

export async function connect(origin) {
  const pool = new Pool(origin, { connections: 128 });
  return async () => {
    const { body } = await pool.request({ method: 'GET', path: target });
    return (await body.json()).rates.USDXAU;
  };
}
