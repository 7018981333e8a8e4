import { type TreeReport, verifyRecord } from "@agent-keys/audit";
import type { Against } from "./arguments.ts";
import { statOf } from "./audit-file.ts";
import { ConsoleError } from "./console-error.ts";
import { readText, readVerifier } from "./read-key.ts";

/**
 * Holds a record against checkpoints that were kept, or against its own and a key.
 *
 * @throws ConsoleError for several files, and for what cannot be read.
 */
export function verifyTree(
  files: readonly [string, ...string[]],
  { checkpoint, key }: Against,
): TreeReport {
  const [file, more] = files;
  if (more !== undefined) {
    const hint = "name the record's newest file; its full segments beside it are found";
    throw new ConsoleError("verify --checkpoint takes one file", hint);
  }
  const kept =
    checkpoint === undefined
      ? undefined
      : readText(checkpoint, "--checkpoint names a file that was kept");
  const own = `${file}.checkpoints`;
  if (kept === undefined && statOf(own) === undefined) {
    throw new ConsoleError(
      `${own} does not exist`,
      "agent-keys checkpoint makes it; --checkpoint names another",
    );
  }
  const verifier =
    key === undefined
      ? undefined
      : readVerifier(key, kept ?? readText(own, "agent-keys checkpoint makes it"));
  return verifyRecord(file, { kept, key: verifier });
}
