import { describe, expect, it } from 'vitest';
import { busy, pause, refusal, scene, unhandledIn, watch } from '../scene.js';

const retry = { retries: 2, minTimeout: 100, factor: 2, randomize: false };

/** A Response whose body tells whether it was cancelled. */
function answer(status: number, headers: Record<string, string> = {}): { response: Response; cancelled(): boolean } {
  let cancelled = false;
  const body = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(10)),
    cancel() {
      cancelled = true;
    },
  });
  return { response: new Response(body, { status, headers }), cancelled: () => cancelled };
}

describe('a retry', () => {
  it.each<[string, (now: number) => string, number]>([
    ['seconds', () => '3', 3_000],
    ['a date', (now) => new Date(now + 4_000).toUTCString(), 4_000],
    ['nonsense', () => 'soon', 100],
    ['a date gone by', (now) => new Date(now - 4_000).toUTCString(), 100],
    ['nothing', () => '', 100],
  ])('waits as long as Retry-After says in %s', async (_, header, wait) => {
    const { clock, client } = scene({ retry });
    let runs = 0;
    const call = watch(
      clock,
      client.withKey(async () => {
        runs++;
        if (runs === 1) throw busy({ response: { headers: { 'retry-after': header(clock.now()) } } });
        return 'price';
      }),
    );

    await clock.advance(9_000);

    expect(call.state).toBe('resolved');
    expect(call.at).toBe(1 + wait);
  });

  it('whose Retry-After is longer than the time left is not waited for', async () => {
    const { clock, client } = scene({ retry, timeout: 5_000 });
    const error = busy({ headers: { 'retry-after': '5' } });

    const call = watch(
      clock,
      client.withKey(() => Promise.reject(error)),
    );
    await clock.advance(1);

    expect(call.error).toBe(error);
  });

  it('of a returned 503 cancels the body first and returns the last Response when nothing helps', async () => {
    const { clock, client } = scene({ retry });
    const answers = [answer(503), answer(503), answer(503)];
    let runs = 0;

    const call = watch(
      clock,
      client.withKey(async () => answers[runs++]?.response as Response),
    );
    await clock.advance(9_000);

    expect(call.value).toBe(answers[2]?.response);
    expect(answers.map(({ cancelled }) => cancelled())).toEqual([true, true, false]);
    expect(client.status().counts).toMatchObject({ retries: 2, repairs: 0 });
  });

  it('is not made with `once`', async () => {
    const { client } = scene({ retry });
    let runs = 0;

    const error = await client
      .withKey(() => Promise.reject(busy({ runs: ++runs })), { once: true })
      .catch((caught: unknown) => caught);

    expect(error).toMatchObject({ status: 503, runs: 1 });
    expect(runs).toBe(1);
  });

  it('ends with the error of an `isTransient` that throws', async () => {
    const error = new Error('from isTransient');
    const { client } = scene({
      retry,
      isTransient() {
        throw error;
      },
    });

    await expect(client.withKey(() => Promise.reject(busy()))).rejects.toBe(error);
  });

  it.each<[string, unknown]>([
    ['an Error', new Error('enough')],
    ['a string', 'enough'],
    ['nothing', undefined],
  ])('stops during its pause when the caller aborts with %s', async (_, reason) => {
    const { clock, client } = scene({ retry });
    const controller = new AbortController();
    let runs = 0;
    let call: ReturnType<typeof watch> | undefined;

    const unhandled = await unhandledIn(async () => {
      call = watch(
        clock,
        client.withKey(
          async () => {
            runs++;
            throw busy();
          },
          { signal: controller.signal },
        ),
      );
      await clock.advance(50);
      controller.abort(reason);
      await clock.advance(9_000);
    });

    expect(unhandled).toEqual([]);
    expect(call).toMatchObject({ state: 'rejected', at: 51 });
    expect(call?.error).toBe(controller.signal.reason);
    expect(runs).toBe(1);
  });

  it('keeps running calls of a closing client until they end', async () => {
    const { clock, client, store } = scene({ retry });
    let runs = 0;
    const call = watch(
      clock,
      client.withKey(async () => {
        if (runs++ < 2) throw busy();
        return 'price';
      }),
    );
    await clock.advance(50);
    const closing = watch(clock, client.close());
    await clock.advance(240);
    const between = closing.state;
    await clock.advance(20);

    expect(between).toBe('pending');
    expect([call.state, closing.state, store.closes]).toEqual(['resolved', 'resolved', 1]);
  });
});

describe('a refused Response', () => {
  it('has its body cancelled before the function runs again', async () => {
    const { clock, store, client } = scene({}, { current: 'key-a-00000001', previous: 'key-b-00000002' });
    const first = answer(401);
    const order: unknown[] = [];
    let runs = 0;

    const call = watch(
      clock,
      client.withKey(async () => {
        order.push(first.cancelled());
        return runs++ === 0 ? first.response : answer(200).response;
      }),
    );
    await clock.advance(100);

    expect(call.state).toBe('resolved');
    expect(order).toEqual([false, true]);
    expect(store.asked.map(({ stage }) => stage)).toEqual(['current', 'current', 'previous']);
  });

  it('with a body that cannot be cancelled properly is repaired all the same', async () => {
    for (const cancel of [
      () => undefined,
      () => {
        throw new Error('no cancel');
      },
    ]) {
      // prettier-ignore
      const { clock, client } = scene({}, { current: 'key-a-00000001', previous: 'key-b-00000002' });
      const odd = { [Symbol.toStringTag]: 'Response', status: 401, bodyUsed: false, body: { cancel } };
      let runs = 0;

      const call = watch(
        clock,
        client.withKey(async () => (runs++ === 0 ? odd : 'price')),
      );
      await clock.advance(100);

      expect(call.value ?? call.error).toBe('price');
    }
  });

  it('that comes after the deadline leaves no body unread', async () => {
    const { clock, client } = scene({ timeout: 100 });
    const late = answer(200);

    const call = watch(
      clock,
      client.withKey(async () => {
        await pause(clock, 200);
        return late.response;
      }),
    );
    await clock.advance(300);

    expect(call.error).toMatchObject({ code: 'ERR_GOLDKEY_TIMEOUT' });
    expect(late.cancelled()).toBe(true);
  });

  it('makes at most two repeats, retries and refusals mixed', async () => {
    const { clock, client } = scene({ retry }, { current: 'key-a-00000001', previous: 'key-b-00000002' });
    const script = [401, 503, 401, 503, 401, 401];
    const keys: string[] = [];
    let runs = 0;

    const call = watch(
      clock,
      client.withKey(async ({ apiKey }) => {
        keys.push(apiKey);
        const status = script[runs++];
        if (status === 401) throw refusal();
        throw busy();
      }),
    );
    await clock.advance(9_900);

    expect(call.state).toBe('rejected');
    expect(runs).toBeLessThanOrEqual(1 + 2 + 2);
  });
});
