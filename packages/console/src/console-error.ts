/** What a person can put right: one line that says what is wrong, one that says what to do. Exit 2. */
export class ConsoleError extends Error {
  override readonly name = "ConsoleError";
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}
