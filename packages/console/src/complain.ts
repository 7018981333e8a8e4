import { printable } from "@agent-keys/core/audit";
import { ConsoleError } from "./console-error.ts";
import type { Terminal } from "./terminal.ts";

/** Says on stderr, in one line and a hint, what went wrong. */
export function complain(error: unknown, terminal: Terminal): void {
  if (error instanceof ConsoleError) return say(terminal, error.message, error.hint);
  const message = error instanceof Error ? error.message : String(error);
  say(terminal, message, "if this is not about your system, please report it");
}

/** A message and what to do about it. Both may hold text from anywhere. */
export function say(terminal: Terminal, message: string, hint?: string): void {
  const lines = [`agent-keys: ${printable(message)}`];
  if (hint !== undefined) lines.push(`hint: ${printable(hint)}`);
  terminal.err(`${lines.join("\n")}\n`);
}
