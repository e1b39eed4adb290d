/** A refusal of the fake KMS: thrown by an operation, sent as AWS sends it. */
export class KmsRefusal extends Error {
  /** The HTTP status. */
  readonly status: number;

  /** @param name - AWS's error name; @param message - empty: the body has no message, as for a wrong context */
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

/** A member that breaks a constraint of the API's model, in the words of AWS's validator. */
export function invalidMember(member: string, constraint: string, shown = ''): KmsRefusal {
  const value = shown === '' ? 'Value' : `Value ${shown}`;
  return new KmsRefusal(
    'ValidationException',
    `1 validation error detected: ${value} at '${member}' failed to satisfy constraint: ${constraint}`,
  );
}

/** A body or a member that cannot be read at all. */
export function unreadable(message = ''): KmsRefusal {
  return new KmsRefusal('SerializationException', message);
}

export function disabled(arn: string): KmsRefusal {
  return new KmsRefusal('DisabledException', `${arn} is disabled.`);
}

export function pendingDeletion(arn: string): KmsRefusal {
  return new KmsRefusal('KMSInvalidStateException', `${arn} is pending deletion.`);
}

export function incorrectKey(): KmsRefusal {
  return new KmsRefusal(
    'IncorrectKeyException',
    'The key ID in the request does not identify a CMK that can perform this operation.',
  );
}

export function notFound(message: string): KmsRefusal {
  return new KmsRefusal('NotFoundException', message);
}

/** Corrupt ciphertext and wrong EncryptionContext alike: KMS does not tell them apart and says nothing. */
export function invalidCiphertext(): KmsRefusal {
  return new KmsRefusal('InvalidCiphertextException');
}
