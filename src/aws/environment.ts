/** A standard variable of AWS. An empty one is an unset one, as it is to the AWS SDK. */
export function variable(name: string): string | undefined {
  const value = process.env[name]?.trim();
  return value === '' ? undefined : value;
}

/** Whether a switch of AWS is on: `true`, as the AWS SDK wants it spelt. */
export function isOn(name: string): boolean {
  return variable(name)?.toLowerCase() === 'true';
}
