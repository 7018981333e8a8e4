/** What a person can put right: one line that says what is wrong, one that says what to do. Exit 2. */
export class ConsoleError extends Error {
  override readonly name = "ConsoleError";
  readonly hint: string;
  /** Lines that stand between the two, such as one that points at a character of the one above it. */
  readonly shown: readonly string[];

  constructor(message: string, hint: string, shown: readonly string[] = []) {
    super(message);
    this.hint = hint;
    this.shown = shown;
  }
}
