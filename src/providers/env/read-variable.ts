/** Returns an environment variable. `process.env` also answers with what every object inherits, such as `constructor`. */
export function readVariable(name: string): string | undefined {
  return Object.hasOwn(process.env, name) ? process.env[name] : undefined;
}
