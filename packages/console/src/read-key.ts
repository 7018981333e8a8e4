import { readFileSync } from "node:fs";
import { type NoteVerifier, noteVerifier, readCheckpoints } from "@agent-keys/audit";
import { ConsoleError } from "./console-error.ts";

/**
 * Reads whose signature checkpoints must have: a verifier key as it stands, or a file with one, or with
 * a PEM key, whose name is then that of the checkpoints themselves.
 *
 * @param checkpoints - A text that has some.
 * @throws ConsoleError that says why not.
 */
export function readVerifier(key: string, checkpoints: string): NoteVerifier {
  const text = looksLikeKey(key) ? key : readText(key, "--key names it, or is the key itself");
  try {
    if (!text.includes("-----BEGIN")) return noteVerifier(text);
    const [first] = readCheckpoints(checkpoints).checkpoints;
    return noteVerifier(first?.origin ?? "agent-keys", text);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new ConsoleError(
      `--key: ${error.message}`,
      "agent-keys checkpoint prints the verifier key",
    );
  }
}

/** @throws ConsoleError when a file cannot be read. */
export function readText(path: string, hint: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown";
    const what = code === "ENOENT" ? "does not exist" : `cannot be read (${code})`;
    throw new ConsoleError(`${path} ${what}`, hint);
  }
}

function looksLikeKey(text: string): boolean {
  return /^[^+]+\+[0-9a-f]{8}\+/.test(text);
}
