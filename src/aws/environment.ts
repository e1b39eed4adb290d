/** Returns an environment variable of AWS. An empty one counts as unset, as for the AWS SDK. */
export function readVariable(name: string): string | undefined {
  const value = process.env[name]?.trim();
  return value === '' ? undefined : value;
}

/** Returns whether a switch of AWS is `true`, in any letter case, as for the AWS SDK. */
export function isOn(name: string): boolean {
  return readVariable(name)?.toLowerCase() === 'true';
}
