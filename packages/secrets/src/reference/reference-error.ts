/**
 * A text that is no reference to a secret. The message shows it up to the character that is wrong, with a
 * caret below that; what follows it is not shown, and neither is a text that begins as no reference does:
 * either may be the credential itself.
 */
export class SecretReferenceError extends TypeError {
  static {
    this.prototype.name = "SecretReferenceError";
  }
  /** The index of the character that is wrong, in UTF-16 units; the length where something is missing. */
  readonly at: number;

  constructor(problem: string, at: number, shown = "") {
    super(`${problem}${shown}`);
    this.at = at;
  }
}

/** How much of a reference is shown before the character that is wrong. */
const MOST_SHOWN = 60;

/** The two lines that point at a character, and one that says how it is written. */
export function pointedAt(text: string, at: number, form: string): string {
  const before = Array.from(text.slice(0, at));
  const start = before.length > MOST_SHOWN ? ["…", ...before.slice(-MOST_SHOWN)] : before;
  const [wrong = ""] = Array.from(text.slice(at, at + 2));
  const shown = UNSEEN.test(wrong) ? "\u{fffd}" : wrong;
  const more = at + wrong.length < text.length ? "…" : "";
  const lines = [`${start.join("")}${shown}${more}`, `${" ".repeat(start.length)}^`];
  return `${lines.map((line) => `\n  ${line}`).join("")}\n  it is written ${form}`;
}

/** What a terminal would obey, or show nothing of; only escaped does it belong into a reference. */
export const UNSEEN: RegExp = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;
