import { readProof, verifyProof as check } from "@agent-keys/audit";
import { parseLine, printableJson } from "@agent-keys/core/audit";
import type { Against } from "./arguments.ts";
import { ConsoleError } from "./console-error.ts";
import { eventLines } from "./event-lines.ts";
import { readText, readVerifier } from "./read-key.ts";
import type { Terminal } from "./terminal.ts";

/** Checks what `agent-keys prove` printed, without the record. 1 when it does not hold. */
export function verifyProof(
  { proof: path = "", checkpoint, key }: Against,
  json: boolean,
  to: Terminal,
): number {
  if (key === undefined && checkpoint === undefined) {
    const hint = "a proof is believed by --key, or by a checkpoint that was kept: --checkpoint";
    throw new ConsoleError("verify --proof needs --key or --checkpoint", hint);
  }
  const proof = readProof(readText(path, "--proof names what agent-keys prove printed"));
  const kept =
    checkpoint === undefined
      ? undefined
      : readText(checkpoint, "--checkpoint names a file that was kept");
  const why =
    proof === undefined
      ? "it is no proof"
      : check(proof, {
          kept,
          key: key === undefined ? undefined : readVerifier(key, proof.checkpoint.envelope),
        });
  const line = proof?.line.toString("utf8") ?? "";
  if (json) {
    const found =
      why === undefined ? { index: proof?.index, size: proof?.checkpoint.size, line } : { why };
    to.out(`${printableJson(JSON.stringify({ holds: why === undefined, ...found }))}\n`);
  } else if (why !== undefined) {
    to.out(`DOES NOT HOLD  ${why}\n`);
  } else {
    const { index = 0, checkpoint: { origin = "", size = 0 } = {} } = proof ?? {};
    to.out(`holds  line ${index + 1} of ${size} of ${origin}\n${shown(line, to)}`);
  }
  return why === undefined ? 0 : 1;
}

function shown(line: string, to: Terminal): string {
  const event = parseLine(line);
  if (event === undefined) return "the line is no event that this version knows\n";
  return eventLines(to, false)([{ event, line }]);
}
