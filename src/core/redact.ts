export function scrub(thrown: unknown, _secrets: readonly string[]): unknown { return thrown; }
export function redactValue<T>(value: T, _secrets: readonly string[]): T { return value; }
export function findSecret(_value: unknown, _secret: string): string | undefined { return undefined; }
