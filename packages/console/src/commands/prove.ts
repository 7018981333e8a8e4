import { CheckpointError, type InclusionProof, proofText, proveEvent } from "@agent-keys/audit";
import { oneFile } from "../audit-file.ts";
import { ConsoleError } from "../console-error.ts";
import { parseFlags } from "../parse-flags.ts";
import { readText } from "../read-key.ts";
import type { Terminal } from "../terminal.ts";

const one = { type: "string" } as const;
const OPTIONS = { file: one, checkpoint: one, json: { type: "boolean" } } as const;

/** Proves that an event is in the record. */
export function prove(args: readonly string[], to: Terminal): number {
  const { values, positionals } = parseFlags(args, {
    command: "prove",
    options: OPTIONS,
    allowPositionals: true,
    valueHint: () => "the path of a file",
    unknownFlagHint: "an id that begins with - goes behind --, as in: agent-keys prove -- -abc",
  });
  const { checkpoint, json } = values;
  const [id, more] = positionals;
  if (id === undefined || more !== undefined) {
    throw new ConsoleError("prove takes one event's id", "agent-keys ls --json has it, as id");
  }
  const file = oneFile(values.file);
  const kept =
    checkpoint === undefined
      ? undefined
      : readText(checkpoint, "--checkpoint names a file that was kept");
  const proof = proofOf(file, id, kept);
  to.out(json === true ? `${asJson(proof)}\n` : proofText(proof));
  return 0;
}

/** @throws ConsoleError when there is none. */
function proofOf(file: string, id: string, kept: string | undefined): InclusionProof {
  try {
    const proof = proveEvent(file, id, { kept });
    if (proof !== undefined) return proof;
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    throw new ConsoleError(
      error.message,
      `agent-keys verify ${file} --checkpoint says what is wrong`,
    );
  }
  throw new ConsoleError(
    `no event in ${file} has the id ${id}`,
    "agent-keys ls --json has them, as id",
  );
}

function asJson(proof: InclusionProof): string {
  const { line, index, hashes, checkpoint } = proof;
  return JSON.stringify({
    index,
    line: line.toString("utf8"),
    hashes: hashes.map((hash) => hash.toString("base64")),
    checkpoint: checkpoint.envelope,
    proof: proofText(proof),
  });
}
