import { describe, expect, it } from 'vitest';
import { Collector } from '../../src/http/bounded-body.js';

const VALUE = 'aW52ZW50ZWQta2V5';

function collect(...chunks: Uint8Array[]): Collector {
  const collector = new Collector(1_000);
  for (const chunk of chunks) expect(collector.add(chunk)).toBe(true);
  return collector;
}

/** What was taken, the bytes as text. */
function take(body: string, field: string | undefined = 'Plaintext'): { text: string; secret: string | undefined } {
  const { text, secret } = collect(Buffer.from(body)).take(field);
  return { text, secret: secret && Buffer.from(secret).toString() };
}

describe('the value of a JSON string that is taken out of a body', () => {
  it.each([
    ['alone', `{"Plaintext":"${VALUE}"}`, '{"Plaintext":""}'],
    ['among others', `{"KeyId":"k","Plaintext":"${VALUE}","n":1}`, '{"KeyId":"k","Plaintext":"","n":1}'],
    ['with white space around the colon', `{ "Plaintext" \r\n:\t "${VALUE}" }`, '{ "Plaintext" \r\n:\t "" }'],
    ['behind a value of its name', `{"a":"Plaintext","Plaintext":"${VALUE}"}`, '{"a":"Plaintext","Plaintext":""}'],
    ['behind a number of its name', `[{"Plaintext":1},{"Plaintext":"${VALUE}"}]`, '[{"Plaintext":1},{"Plaintext":""}]'],
    ['behind a longer name', `{"XPlaintext":"x","Plaintext":"${VALUE}"}`, '{"XPlaintext":"x","Plaintext":""}'],
    ['beside text that is not ASCII', `{"a":"é€","Plaintext":"${VALUE}","b":"ü"}`, '{"a":"é€","Plaintext":"","b":"ü"}'],
  ])('comes as bytes and is not in the text: %s', (_, body, text) => {
    expect(take(body)).toEqual({ text, secret: VALUE });
    expect(JSON.parse(text)).toEqual(JSON.parse(body.replace(VALUE, '')));
  });

  it('is empty bytes where it is empty', () => {
    expect(take('{"Plaintext":""}')).toEqual({ text: '{"Plaintext":""}', secret: '' });
  });

  it.each([
    ['has an escape', `{"Plaintext":"${VALUE}\\u003d\\u003d"}`],
    ['has an escaped quote', `{"Plaintext":"${VALUE}\\"x"}`],
    ['has another name', `{"plaintext":"${VALUE}"}`],
    ['has an escaped name', `{"Plain\\u0074ext":"${VALUE}"}`],
    ['is in the name', `{"${VALUE}":"Plaintext"}`],
    ['is no string', `{"Plaintext":["${VALUE}"]}`],
    ['is null', '{"Plaintext":null}'],
    ['has no end', `{"Plaintext":"${VALUE}`],
    ['is missing', '{"Plaintext":'],
    ['has no colon', '{"Plaintext"'],
  ])('stays in the text where it %s', (_, body) => {
    expect(take(body)).toEqual({ text: body, secret: undefined });
  });

  it('stays in the text where no field is asked for', () => {
    const body = `{"undefined":"${VALUE}"}`;

    expect(collect(Buffer.from(body)).take(undefined)).toEqual({ text: body });
  });

  it('is whole wherever the body was cut into two chunks, or into bytes', () => {
    const body = Buffer.from(`{"é":1,"Plaintext" : "${VALUE}","b":"ü"}`);
    const cuts = Array.from(body, (_byte, at) => [body.subarray(0, at), body.subarray(at)]);
    const bytes = Array.from(body, (_byte, at) => body.subarray(at, at + 1));

    for (const chunks of [...cuts, bytes]) {
      const { text, secret } = collect(...chunks).take('Plaintext');
      expect(text).toBe('{"é":1,"Plaintext" : "","b":"ü"}');
      expect(Buffer.from(secret ?? []).toString()).toBe(VALUE);
    }
  });

  it('lies in memory of its own, which outlives the chunks', () => {
    const chunk = Buffer.from(`{"Plaintext":"${VALUE}"}`);
    const collector = collect(chunk);

    const { secret } = collector.take('Plaintext');
    collector.wipe();

    expect(Buffer.from(secret ?? []).toString()).toBe(VALUE);
    expect(secret?.buffer.byteLength).toBe(VALUE.length);
  });
});

describe('the chunks of a body', () => {
  it.each([
    ['one', [`{"Plaintext":"${VALUE}"}`]],
    ['three', ['{"Plaintext":"', VALUE, '"}']],
  ])('are zeroed on request: %s', (_, texts) => {
    const chunks = texts.map((text) => Buffer.from(text));
    const collector = collect(...chunks);
    collector.take('Plaintext');

    collector.wipe();

    for (const chunk of chunks) expect(chunk.every((byte) => byte === 0)).toBe(true);
  });

  it('count the one that exceeds the limit too: it is zeroed with them', () => {
    const collector = new Collector(5);
    const chunks = [Buffer.from('1234'), Buffer.from('56')];

    expect(chunks.map((chunk) => collector.add(chunk))).toEqual([true, false]);
    collector.wipe();

    expect(Buffer.concat(chunks)).toEqual(Buffer.alloc(6));
  });

  it('may be plain bytes', () => {
    expect(collect(new TextEncoder().encode('{"Plaintext":"é"}')).text()).toBe('{"Plaintext":"é"}');
  });
});
