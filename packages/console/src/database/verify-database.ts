import { chainVerifier, printableJson } from "@agent-keys/core/audit";
import type { Arguments } from "../arguments.ts";
import { ConsoleError } from "../console-error.ts";
import { styleOf } from "../style-of.ts";
import type { Terminal } from "../terminal.ts";
import { verifyText } from "../verify-text.ts";
import type { DatabaseAddress } from "./address.ts";
import { nameOf, saying } from "./database-source.ts";
import { openDatabase } from "./open-database.ts";

/** Checks every writer's chain in a database, whose lines are those of a file. 1 when something is damaged. */
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
  for await (const batch of record.lines({ order: "oldest" })) {
    segment.push(Buffer.from(batch.map(({ line }) => `${line}\n`).join("")));
  }
  segment.end();
  const report = verifier.report();
  const intact = report.damageCount === 0;
  if (json) to.out(`${printableJson(JSON.stringify({ intact, files: [name], ...report }))}\n`);
  else to.out(verifyText(report, [name], styleOf(to)));
  return intact ? 0 : 1;
}
