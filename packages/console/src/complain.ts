import { printable } from "@agent-keys/core/audit";
import { ConsoleError } from "./console-error.ts";
import type { Terminal } from "./terminal.ts";

/** Says on stderr, in one line and a hint, what went wrong. */
export function complain(thrown: unknown, terminal: Terminal): void {
  const error = causeOf(thrown);
  if (error instanceof ConsoleError) {
    return say(terminal, error.message, error.hint, error.shown);
  }
  const message = error instanceof Error ? error.message : String(error);
  say(terminal, message, "if this is not about your system, please report it");
}

/**
 * What went wrong first: an error while cleaning up hides the one it came after, and several at once have
 * no message of their own.
 */
export function causeOf(error: unknown): unknown {
  if (error instanceof SuppressedError) return causeOf(error.suppressed);
  if (error instanceof AggregateError && error.errors.length > 0) return causeOf(error.errors[0]);
  return error;
}

/** A message and what to do about it. Both may hold text from anywhere. */
export function say(
  terminal: Terminal,
  message: string,
  hint?: string,
  shown: readonly string[] = [],
): void {
  const lines = [`agent-keys: ${printable(message)}`, ...shown.map((line) => printable(line))];
  if (hint !== undefined) lines.push(`hint: ${printable(hint)}`);
  terminal.err(`${lines.join("\n")}\n`);
}
