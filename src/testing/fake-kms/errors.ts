/** An error of the fake KMS: thrown by an operation, sent in the form that AWS uses. */
export class KmsError extends Error {
  /** The HTTP status. */
  readonly status: number;

  /** @param name - AWS's error name; @param message - empty for a body without one, as for a wrong context */
  constructor(name: string, message = '', status = 400) {
    super(message);
    this.name = name;
    this.status = status;
  }

  /** The JSON body. */
  get body(): string {
    return JSON.stringify({ __type: this.name, ...(this.message === '' ? {} : { message: this.message }) });
  }
}

/** Returns the error for a member that breaks a constraint of the API's model, with the text of AWS's validator. */
export function validationError(member: string, constraint: string, shown = ''): KmsError {
  const value = shown === '' ? 'Value' : `Value ${shown}`;
  return new KmsError(
    'ValidationException',
    `1 validation error detected: ${value} at '${member}' failed to satisfy constraint: ${constraint}`,
  );
}
