import { chainVerifier, printableJson } from "@agent-keys/core/audit";
import type { Arguments } from "../arguments.ts";
import { ConsoleError } from "../console-error.ts";
import { styleOf } from "../style-of.ts";
import type { Terminal } from "../terminal.ts";
import { verifyText } from "../verify-text.ts";
import type { DatabaseAddress } from "./address.ts";
import { nameOf, saying } from "./database-source.ts";
import { openDatabase } from "./open-database.ts";

/** Rows that are named whose columns are not those of their line. */
const SHOWN = 20;

/**
 * Checks every writer's chain in a database, whose lines are those of a file, and that each row's columns
 * are those of its line, since commands find lines by them. 1 when something is damaged.
 */
export async function verifyDatabase(
  database: DatabaseAddress,
  { json, against }: Pick<Arguments, "json" | "against">,
  to: Terminal,
): Promise<number> {
  if (against.checkpoint !== undefined || against.key !== undefined) {
    throw new ConsoleError(
      "a database is not held against checkpoints",
      "they are signed over files: give fileSink beside it, and verify that file",
    );
  }
  await using record = saying(database, await openDatabase(database));
  const name = nameOf(database, record);
  const verifier = chainVerifier();
  const segment = verifier.begin(name);
  const differing: number[] = [];
  let differingCount = 0;
  for await (const batch of record.lines({ order: "oldest", compared: true })) {
    for (const { position, agrees } of batch) {
      if (agrees !== false) continue;
      differingCount += 1;
      if (differing.length < SHOWN) differing.push(position);
    }
    segment.push(Buffer.from(batch.map(({ line }) => `${line}\n`).join("")));
  }
  segment.end();
  const report = verifier.report();
  const intact = report.damageCount === 0 && differingCount === 0;
  if (json) {
    const all = {
      intact,
      files: [name],
      ...report,
      ...(differingCount > 0 ? { differing, differingCount } : {}),
    };
    to.out(`${printableJson(JSON.stringify(all))}\n`);
  } else {
    if (differingCount > 0) {
      const rows = `${differingCount} ${differingCount === 1 ? "row" : "rows"}`;
      to.out(
        `DAMAGED  the columns of ${rows} say something else than the line, so that filters miss it: ` +
          `position ${differing.join(", ")}${differingCount > differing.length ? ", …" : ""}\n\n`,
      );
    }
    to.out(verifyText(report, [name], styleOf(to)));
  }
  return intact ? 0 : 1;
}
