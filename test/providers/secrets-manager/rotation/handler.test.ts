import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  rotationHandler,
  type RotationEvent,
  type RotationHandlerOptions,
} from '../../../../src/providers/secrets-manager/index.js';
import { assertNoSecret } from '../../../../src/testing/index.js';
import { fakeSecret, secretsFault } from '../fake-secret.js';
import { failure } from '../../loading.js';

const OLD = 'sk-invented/old+&=0123456789';
const NEW = 'sk-invented/new+&=9876543210';
const TOKEN = '11111111-2222-3333-4444-555555555555';
const STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;

const { versions, mock, reset } = fakeSecret();
afterAll(() => mock.restore());
beforeEach(() => reset({ old: { stages: ['AWSCURRENT'], text: OLD }, [TOKEN]: { stages: ['AWSPENDING'] } }));

const event = (Step: RotationEvent['Step'], token = TOKEN): RotationEvent => ({
  SecretId: 'gold',
  ClientRequestToken: token,
  Step,
});
const mintKey = vi.fn<RotationHandlerOptions['mintKey']>();
const activateKey = vi.fn<(key: string) => Promise<void>>();
const testKey = vi.fn<RotationHandlerOptions['testKey']>();
beforeEach(() => {
  mintKey.mockReset().mockResolvedValue(NEW);
  activateKey.mockReset().mockResolvedValue();
  testKey.mockReset().mockResolvedValue();
});

const handlerOf = (more: object = {}) =>
  rotationHandler({
    mintKey,
    activateKey,
    testKey,
    client: new SecretsManagerClient({ region: 'eu-central-1' }),
    ...more,
  });

describe('the options of rotationHandler', () => {
  it.each([
    ['no mintKey', { mintKey: undefined }, /`mintKey` must be a function/],
    ['no testKey', { testKey: undefined }, /`testKey` must be a function/],
    ['an activateKey that is none', { activateKey: 'x' }, /`activateKey`/],
    ['an empty field', { field: '' }, /`field`/],
    ['an unknown name', { mintkey: mintKey }, /`mintkey`.*`mintKey`/],
    ['a client that is none', { client: {} }, /`client`/],
  ])('refuse %s at once', (_, more, says) => {
    expect(() => handlerOf(more)).toThrow(says);
    expect(() => handlerOf(more)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });

  it.each([undefined, {}, { ...event('setSecret'), Step: 'dropSecret' }, { SecretId: 'gold', Step: 'setSecret' }])(
    'do not make up for an event that is none of Secrets Manager’s: %j',
    async (given) => {
      expect(await failure(handlerOf()(given as never))).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
      expect(mock.calls()).toHaveLength(0);
    },
  );
});

describe('a rotation', () => {
  const printed = (['log', 'info', 'warn', 'error', 'debug'] as const).map((name) => vi.spyOn(console, name));
  afterEach(() => {
    for (const spy of printed) expect(spy).not.toHaveBeenCalled();
  });

  it('mints, activates, tries and promotes, with the token as rotationId', async () => {
    const handler = handlerOf();

    for (const step of STEPS) await handler(event(step));

    expect(mintKey).toHaveBeenCalledExactlyOnceWith(OLD, { rotationId: TOKEN, signal: expect.any(AbortSignal) });
    expect(activateKey).toHaveBeenCalledExactlyOnceWith(NEW);
    expect(testKey).toHaveBeenCalledExactlyOnceWith(NEW, { signal: expect.any(AbortSignal) });
    expect(versions.get(TOKEN)).toMatchObject({ text: NEW, stages: expect.arrayContaining(['AWSCURRENT']) });
    expect(versions.get('old')).toMatchObject({ text: OLD, stages: ['AWSPREVIOUS'] });
  });

  it('takes each step twice without harm, and one key is minted', async () => {
    const handler = handlerOf();

    for (const step of STEPS) for (let run = 1; run <= 2; run++) await handler(event(step));
    for (const step of STEPS) await handler(event(step));

    expect(mintKey).toHaveBeenCalledTimes(1);
    expect(mock.commandCalls(PutSecretValueCommand)).toHaveLength(1);
    expect(mock.commandCalls(UpdateSecretVersionStageCommand)).toHaveLength(1);
    expect(versions.get('old')?.stages).toEqual(['AWSPREVIOUS']);
  });

  it('that died between minting and storing mints again with the same rotationId', async () => {
    const handler = handlerOf();
    mock.on(PutSecretValueCommand).rejects(secretsFault('AccessDeniedException'));

    expect(await failure(handler(event('createSecret')))).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED' });
    reset(Object.fromEntries(versions));
    await handler(event('createSecret'));

    expect(versions.get(TOKEN)?.text).toBe(NEW);
    expect(mintKey.mock.calls.map(([, { rotationId }]) => rotationId)).toEqual([TOKEN, TOKEN]);
  });

  it('whose answer to the store was lost finds the key there', async () => {
    const lost = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    mock.on(PutSecretValueCommand).callsFake(({ SecretString }) => {
      versions.set(TOKEN, { stages: ['AWSPENDING'], text: SecretString as string });
      throw lost;
    });
    const handler = handlerOf();

    expect(await failure(handler(event('createSecret')))).toMatchObject({ retryable: true });
    await handler(event('createSecret'));

    expect(mintKey).toHaveBeenCalledTimes(1);
    expect(versions.get(TOKEN)?.text).toBe(NEW);
  });

  it('that another run of the step has overtaken goes on with that run’s key', async () => {
    mintKey.mockImplementation(async () => {
      versions.set(TOKEN, { stages: ['AWSPENDING'], text: 'sk-invented-by-another-run' });
      return NEW;
    });

    await handlerOf()(event('createSecret'));

    expect(versions.get(TOKEN)?.text).toBe('sk-invented-by-another-run');
  });

  it('whose promotion was done unheard is done', async () => {
    versions.set(TOKEN, { stages: ['AWSPENDING'], text: NEW });
    mock.on(UpdateSecretVersionStageCommand).callsFake(() => {
      versions.set('old', { stages: ['AWSPREVIOUS'], text: OLD });
      versions.set(TOKEN, { stages: ['AWSCURRENT', 'AWSPENDING'], text: NEW });
      throw secretsFault('InvalidParameterException');
    });

    await handlerOf()(event('finishSecret'));

    expect(mock.commandCalls(UpdateSecretVersionStageCommand)).toHaveLength(1);
  });

  it('keeps the other fields of a JSON secret', async () => {
    const secret = { user: 'gold', apiKey: OLD, nested: { ports: [1, 2.5, null] }, note: 'ü"\\' };
    versions.set('old', { stages: ['AWSCURRENT'], text: JSON.stringify(secret) });

    await handlerOf({ field: 'apiKey' })(event('createSecret'));

    expect(JSON.parse(versions.get(TOKEN)?.text ?? '')).toEqual({ ...secret, apiKey: NEW });
    expect(mintKey).toHaveBeenCalledWith(OLD, expect.anything());
  });

  it('stays with binary where the secret is binary', async () => {
    versions.set('old', { stages: ['AWSCURRENT'], binary: Buffer.from(OLD) });

    await handlerOf()(event('createSecret'));

    expect(versions.get(TOKEN)?.binary?.toString()).toBe(NEW);
    await handlerOf()(event('testSecret'));
    expect(testKey).toHaveBeenCalledWith(NEW, expect.anything());
  });

  it('keeps the other fields of a JSON secret that is binary, and that it is binary', async () => {
    versions.set('old', { stages: ['AWSCURRENT'], binary: Buffer.from(JSON.stringify({ user: 'gold', apiKey: OLD })) });

    await handlerOf({ field: 'apiKey' })(event('createSecret'));

    expect(JSON.parse(versions.get(TOKEN)?.binary?.toString() ?? '')).toEqual({ user: 'gold', apiKey: NEW });
  });

  it('needs no room made for it beforehand', async () => {
    versions.delete(TOKEN);

    await handlerOf()(event('createSecret'));

    expect(versions.get(TOKEN)).toEqual({ stages: ['AWSPENDING'], text: NEW, binary: undefined });
  });

  it('tells a step that ends before the invocation does, and aborts what it waits for', async () => {
    const signals: AbortSignal[] = [];
    mintKey.mockImplementation((_, { signal }) => {
      signals.push(signal);
      return new Promise(() => undefined);
    });

    const error = await failure(handlerOf()(event('createSecret'), { getRemainingTimeInMillis: () => 510 }));

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_ROTATION', step: 'createSecret', retryable: true });
    expect(signals.every(({ aborted }) => aborted)).toBe(true);
  });
});

describe('a rotation step is refused, and nothing is changed,', () => {
  const refused = async (step: RotationEvent['Step'], more: object = {}): Promise<Error> => {
    const before = structuredClone([...versions]);
    const error = (await failure(handlerOf(more)(event(step)))) as Error;
    expect([...versions]).toEqual(before);
    for (const key of [OLD, NEW]) assertNoSecret(error, key);
    return error;
  };

  it.each(['setSecret', 'testSecret', 'finishSecret'] as const)('%s before a key is stored', async (step) => {
    expect(await refused(step)).toMatchObject({ code: 'ERR_GOLDKEY_ROTATION', step });
    versions.delete(TOKEN);
    expect(await refused(step)).toMatchObject({ code: 'ERR_GOLDKEY_ROTATION', step });
    expect(testKey).not.toHaveBeenCalled();
  });

  it.each(STEPS)('%s of a version that is pending no more', async (step) => {
    versions.set(TOKEN, { stages: ['AWSPREVIOUS'], text: NEW });

    expect(await refused(step)).toMatchObject({ code: 'ERR_GOLDKEY_ROTATION', version: TOKEN });
  });

  it('while another rotation is under way', async () => {
    versions.delete(TOKEN);
    versions.set('other', { stages: ['AWSPENDING'], text: NEW });

    expect((await refused('createSecret')).message).toContain('another rotation is in progress, to version other');
  });

  it('where there is no first key, or a version that holds none', async () => {
    versions.set(TOKEN, { stages: ['AWSPENDING'], text: '{"apiKey":""}' });
    versions.set('old', { stages: ['AWSCURRENT'], text: JSON.stringify({ apiKey: OLD }) });
    expect((await refused('createSecret', { field: 'apiKey' })).message).toContain('does not hold a key');

    versions.set('old', { stages: ['AWSPREVIOUS'], text: OLD });
    expect(await refused('createSecret')).toMatchObject({ code: 'ERR_GOLDKEY_NOT_FOUND' });
  });

  it.each([
    ['is the current one', OLD, 'ERR_GOLDKEY_ROTATION', /`mintKey` returned the current key/],
    ['is too short', 'short', 'ERR_GOLDKEY_FORMAT', /8/],
    ['has a space', 'with a space in it', 'ERR_GOLDKEY_FORMAT', /position 4/],
    ['is no string', undefined, 'ERR_INVALID_ARG_VALUE', /string/],
  ])('when the key minted %s', async (_, key, code, says) => {
    mintKey.mockResolvedValue(key as string);

    const error = await refused('createSecret');

    expect(error).toMatchObject({ code });
    expect(error.message).toMatch(says);
  });

  it.each([
    ['is JSON and no field is named', JSON.stringify({ apiKey: OLD }), undefined],
    ['is no JSON', OLD, 'apiKey'],
    ['has a number that would be changed', `{"apiKey":"${OLD}","account":{"id":12345678901234567890}}`, 'apiKey'],
  ])('before anything is minted, when the secret %s', async (_, text, field) => {
    versions.set('old', { stages: ['AWSCURRENT'], text });

    expect(await refused('createSecret', { field })).toMatchObject({ code: 'ERR_GOLDKEY_FORMAT' });
    expect(mintKey).not.toHaveBeenCalled();
  });

  it('when a function of the caller’s fails: what it threw is the cause, without the key', async () => {
    mintKey.mockRejectedValue(new Error(`401 for ${OLD}`));
    const minting = await refused('createSecret');
    versions.set(TOKEN, { stages: ['AWSPENDING'], text: NEW });
    activateKey.mockRejectedValue(Object.assign(new Error('no'), { config: { headers: { authorization: NEW } } }));
    testKey.mockRejectedValue(new Error(`refused: ${encodeURIComponent(NEW)}`));
    const [activating, testing] = [await refused('setSecret'), await refused('testSecret')];

    for (const [error, name] of [
      [minting, 'mintKey'],
      [activating, 'activateKey'],
      [testing, 'testKey'],
    ] as const) {
      expect(error).toMatchObject({ code: 'ERR_GOLDKEY_ROTATION', retryable: true, cause: expect.any(Error) });
      expect(error.message).toContain(`\`${name}\` failed`);
    }
  });

  it('when the store refuses', async () => {
    mock.on(GetSecretValueCommand).rejects(secretsFault('AccessDeniedException'));

    expect(await refused('createSecret')).toMatchObject({ code: 'ERR_GOLDKEY_ACCESS_DENIED', retryable: false });
  });

  it('when another version has become current in between', async () => {
    versions.set(TOKEN, { stages: ['AWSPENDING'], text: NEW });
    mock.on(UpdateSecretVersionStageCommand).rejects(secretsFault('InvalidParameterException'));

    expect(await refused('finishSecret')).toMatchObject({ code: 'ERR_GOLDKEY_PROVIDER', retryable: true });
  });
});
