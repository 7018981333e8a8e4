import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "@agent-keys/core/enforce";
import { PASSING } from "./schema.ts";

const PRUNE_EVERY_MS = 1_000;
/** Of each table, so that no request waits long for it. */
const ROWS_AT_ONCE = 500;

/** Lets go of what has expired: a little, at most once a second. To be called inside a transaction. */
export function pruner(database: DatabaseSync, now: Clock): () => void {
  const deletions = PASSING.map(([table, row]) =>
    database.prepare(`DELETE FROM ${table} WHERE (${row}) IN
      (SELECT ${row} FROM ${table} WHERE dropped < ? ORDER BY dropped LIMIT ${ROWS_AT_ONCE})`),
  );
  let prunedAtMs = now();
  return () => {
    const nowMs = now();
    if (Math.abs(nowMs - prunedAtMs) < PRUNE_EVERY_MS) return;
    prunedAtMs = nowMs;
    for (const deletion of deletions) deletion.run(nowMs);
  };
}
