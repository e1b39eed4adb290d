// goldkey in one long invocation of a wrapped Lambda handler.
import { withGoldKey } from 'goldkey/lambda';

export { create } from './goldkey.mjs';

function getRemainingTimeInMillis() {
  return 30_000;
}

/** Runs `work` as an invocation's handler does. */
export function surround(client) {
  const handler = withGoldKey(client, async ({ work }) => work());
  return (work) => handler({ work }, { getRemainingTimeInMillis });
}
