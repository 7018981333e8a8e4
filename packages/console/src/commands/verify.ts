import type { Stats } from "node:fs";
import { printableJson, segmentsOf, verifyChains } from "@agent-keys/core/audit";
import type { Arguments } from "../arguments.ts";
import { filesToRead, requireReadable } from "../audit-file.ts";
import { readChunks } from "../read-chunks.ts";
import { styleOf } from "../style-of.ts";
import type { Terminal } from "../terminal.ts";
import { verifyText } from "../verify-text.ts";

/**
 * Checks every writer's chain, over the full segments that stand beside a file too, and holds the
 * record against checkpoints where some are given. 1 when something is damaged.
 */
export async function verify(args: Arguments, to: Terminal): Promise<number> {
  const { files, database, json, against } = args;
  if (against.proof !== undefined) {
    return (await import("../verify-proof.ts")).verifyProof(against, json, to);
  }
  if (database !== undefined) {
    return (await import("../database/verify-database.ts")).verifyDatabase(database, args, to);
  }
  const read = filesToRead(files);
  const segments = once(read.flatMap((file) => [...segmentsOf(file), file])).map((name) => ({
    name,
    chunks: readChunks(name),
  }));
  const names = segments.map(({ name }) => name);
  const report = verifyChains(segments);
  const isHeld = against.checkpoint !== undefined || against.key !== undefined;
  // Only here: a record that nobody signs is checked without it.
  const tree = isHeld ? (await import("../verify-tree.ts")).verifyTree(read, against) : undefined;
  const intact = report.damageCount === 0 && (tree === undefined || tree.findings.length === 0);
  if (json) {
    const all = { intact, files: names, ...report, ...(tree === undefined ? {} : { tree }) };
    to.out(`${printableJson(JSON.stringify(all))}\n`);
  } else {
    to.out(verifyText(report, names, styleOf(to), tree));
  }
  return intact ? 0 : 1;
}

/** A file that is named twice is one segment. All must be there before any is read. */
function once(files: readonly string[]): readonly string[] {
  const seen: Stats[] = [];
  return files.filter((file) => {
    const stats = requireReadable(file);
    if (seen.some(({ dev, ino }) => dev === stats.dev && ino === stats.ino)) return false;
    seen.push(stats);
    return true;
  });
}
