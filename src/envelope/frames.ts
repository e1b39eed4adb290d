import { KeyDecryptError, KeyFormatError } from '../core/index.js';

/** Limits beyond which a message is not decrypted. */
export interface FrameLimits {
  /** The longest plaintext in bytes that is held in memory. */
  readonly maxPlaintext: number;
  /** Whether all of it is held; that of a signed message is anyway, and otherwise a frame. */
  readonly isWhole: boolean;
  readonly provider: string;
}

/** The next bytes of a message: a number, most significant byte first, or bytes to pass over. */
interface Step {
  readonly length: number;
  readonly isNumber: boolean;
}

// The version and the algorithm suite, with which a message begins.
const SIGNED = 0x02_05_78;
const UNSIGNED = 0x02_04_78;
const MESSAGE_ID_BYTES = 32;
const COMMITMENT_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const FRAMED = 2;
const FINAL_FRAME = 0xff_ff_ff_ff;

/**
 * Returns a function that is given a message piece by piece and throws as soon as it is too long, or goes on where it must
 * end. The SDK holds a frame of up to 4 GB in memory, and takes any bytes behind a message without a signature.
 */
export function createFrameCheck(limits: FrameLimits): (piece: Uint8Array) => void {
  const walk = walkMessage(limits);
  let [left, number] = [0, 0];
  const advance = (): Step | undefined => {
    for (;;) {
      const { done, value } = walk.next(number);
      [left, number] = [done === true ? 0 : value.length, 0];
      if (done === true) return undefined;
      if (left > 0) return value;
    }
  };
  let step = advance();
  return (piece) => {
    let at = 0;
    while (step !== undefined && at < piece.length) {
      const end = Math.min(at + left, piece.length);
      if (step.isNumber) for (const byte of piece.subarray(at, end)) number = number * 256 + byte;
      left -= end - at;
      at = end;
      if (left === 0) step = advance();
    }
    if (at < piece.length) {
      throw new KeyDecryptError('The message is followed by other bytes; give it as it was made.', limits);
    }
  };
}

/** Walks through a message. What is wrong otherwise the SDK tells. */
function* walkMessage({ maxPlaintext, isWhole, provider }: FrameLimits): Generator<Step, void, number> {
  const suite = yield readNumber(3);
  if (suite !== SIGNED && suite !== UNSIGNED) return void (yield skip(Infinity));
  const isHeld = isWhole || suite === SIGNED;
  yield skip(MESSAGE_ID_BYTES);
  yield skip(yield readNumber(2));
  for (let parts = 3 * (yield readNumber(2)); parts > 0; parts--) yield skip(yield readNumber(2));
  const isFramed = (yield readNumber(1)) === FRAMED;
  const frameLength = yield readNumber(4);
  yield skip(COMMITMENT_BYTES + TAG_BYTES);
  let [held, isFinal] = [0, false];
  while (!isFinal) {
    isFinal = !isFramed || (yield readNumber(4)) === FINAL_FRAME;
    // The number of the final frame stands behind its mark.
    yield skip(isFramed && isFinal ? 4 + IV_BYTES : IV_BYTES);
    const length = isFinal ? yield readNumber(isFramed ? 4 : 8) : frameLength;
    const room = maxPlaintext - held;
    if (length > room) {
      // A length may be damaged: the bytes must come.
      yield skip(room + 1);
      throw new KeyFormatError(
        `The plaintext has more than ${String(maxPlaintext)} bytes; raise \`maxPlaintext\`, or use a stream of unsigned messages.`,
        { provider },
      );
    }
    if (isHeld) held += length;
    yield skip(length + TAG_BYTES);
  }
  // The signature follows, which the SDK reads to its end.
  if (suite === SIGNED) yield skip(Infinity);
}

const readNumber = (length: number): Step => ({ length, isNumber: true });
const skip = (length: number): Step => ({ length, isNumber: false });
