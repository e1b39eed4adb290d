import { KEY } from './scene.mjs';

/** What metals-api is asked, by those who put the request together themselves. */
export const target = `/latest?access_key=${encodeURIComponent(KEY)}&base=USD&symbols=XAU`;
