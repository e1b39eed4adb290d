/** Something to fuzz. */
export interface Target {
  /** Texts that its inputs are made of, beside those in the sources that it reaches. */
  readonly words: readonly string[];
  /** Inputs beside those of the corpus, such as messages that a value in the code goes with. */
  readonly seeds?: readonly Buffer[];
  /** The longest input in bytes. Default: 4096. */
  readonly maxLength?: number;
  /** Runs the code on an input, and throws where it did what it must not do. */
  run(input: Buffer): void | Promise<void>;
}
