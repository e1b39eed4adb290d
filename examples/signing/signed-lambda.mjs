// For an HTTP API or a function URL (payload 2.0), on the stage `$default`: others put their name before the path.
import { withGoldKey } from 'goldkey/lambda';
import { toAnswer } from './answer.mjs';
import { client, verify } from './signing.mjs';

export const handler = withGoldKey(client, async (/** @type {any} */ event) => {
  const { rawPath, rawQueryString, headers, isBase64Encoded, requestContext } = event;
  const target = rawQueryString === '' ? rawPath : `${rawPath}?${rawQueryString}`;
  const body = Buffer.from(event.body ?? '', isBase64Encoded ? 'base64' : 'utf8');
  try {
    const { version } = await verify({ method: requestContext.http.method, target, headers, body });
    return { statusCode: 200, body: JSON.stringify({ metal: JSON.parse(body.toString()).metal, key: version }) };
  } catch (error) {
    const answer = toAnswer(error);
    if (answer === undefined) throw error;
    return { statusCode: answer.status, body: JSON.stringify(answer.body) };
  }
});
