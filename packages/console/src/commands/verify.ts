import type { Stats } from "node:fs";
import { printableJson, segmentsOf, verifyChains } from "@agent-keys/core/audit";
import type { Arguments } from "../arguments.ts";
import { filesToRead, requireReadable } from "../audit-file.ts";
import { readChunks } from "../read-chunks.ts";
import { styleOf } from "../style-of.ts";
import type { Terminal } from "../terminal.ts";
import { verifyText } from "../verify-text.ts";

/** Checks every writer's chain, over the full segments that stand beside a file too. 1 when something is damaged. */
export function verify({ files, json }: Arguments, to: Terminal): number {
  const segments = once(filesToRead(files).flatMap((file) => [...segmentsOf(file), file])).map(
    (name) => ({
      name,
      chunks: readChunks(name),
    }),
  );
  const names = segments.map(({ name }) => name);
  const report = verifyChains(segments);
  const intact = report.damageCount === 0;
  if (json) to.out(`${printableJson(JSON.stringify({ intact, files: names, ...report }))}\n`);
  else to.out(verifyText(report, names, styleOf(to)));
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
