const CONCURRENCY = 50;

/** Requests a second with 50 of them under way at any moment, body parsed. */
export async function prepare(contestant, { url, price, sliceMs = 150, warmUpMs = 1_500 }) {
  const getPrice = await contestant.connect(url);

  async function run(ms) {
    const start = performance.now();
    const end = start + ms;
    let requests = 0;
    async function caller() {
      while (performance.now() < end) {
        if ((await getPrice()) !== price) throw new Error('a request came back with a wrong price');
        requests++;
      }
    }
    await Promise.all(Array.from({ length: CONCURRENCY }, caller));
    return (requests * 1_000) / (performance.now() - start);
  }

  await run(warmUpMs);
  return () => run(sliceMs);
}
