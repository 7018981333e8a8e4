import { createHash } from "node:crypto";

/** The number of PostgreSQL's advisory lock for a table: the same in every process. */
export function lockKey(table: string): bigint {
  return createHash("sha256").update(`agent-keys audit ${table}`).digest().readBigInt64BE();
}
