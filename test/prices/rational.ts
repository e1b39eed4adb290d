/** A double as an exact fraction of its shortest decimal. */
export function fractionOf(value: number): readonly [bigint, bigint] {
  const [mantissa = '', power = '0'] = String(value).split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const exponent = Number(power) - fraction.length;
  const digits = BigInt(whole + fraction);
  return exponent < 0 ? [digits, 10n ** BigInt(-exponent)] : [digits * 10n ** BigInt(exponent), 1n];
}

/** A double as the exact fraction its bits are. */
function bitsOf(value: number): readonly [bigint, bigint] {
  let numerator = value;
  let denominator = 1n;
  // Doubling is exact, and ends at a whole number.
  while (!Number.isInteger(numerator)) {
    numerator *= 2;
    denominator *= 2n;
  }
  return [BigInt(numerator), denominator];
}

/** The doubles on both sides of one above zero. */
function neighbours(value: number): readonly [number, number] {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const at = (moved: bigint): number => {
    view.setBigUint64(0, moved);
    return view.getFloat64(0);
  };
  return [at(bits - 1n), at(bits + 1n)];
}

/** Whether no double is nearer to `numerator / denominator` than `value` is. */
export function isNearest(value: number, numerator: bigint, denominator: bigint): boolean {
  const distance = (double: number): readonly [bigint, bigint] => {
    const [a, b] = bitsOf(double);
    const difference = a * denominator - numerator * b;
    return [difference < 0n ? -difference : difference, b * denominator];
  };
  const [own, ownUnit] = distance(value);
  return neighbours(value).every((other) => {
    const [theirs, unit] = distance(other);
    return own * unit <= theirs * ownUnit;
  });
}
