import type { AuditEvent } from "@agent-keys/core/audit";
import { type Columns, columnsOf } from "../record/columns.ts";
import type { PostgresClient } from "./client.ts";
import { lockKey } from "./lock-key.ts";
import { PostgresProblem } from "./say-why.ts";

/** A line with its columns, as PostgreSQL takes it. */
export type Row = Columns & { readonly line: string };

/** What can stand in a `timestamptz`; `undefined` for what is no line of a writer. */
export function rowOf(line: string): Row | undefined {
  try {
    const columns = columnsOf(JSON.parse(line) as AuditEvent);
    const { writer, seq, time, type, id } = columns;
    if (typeof writer !== "string" || typeof type !== "string" || typeof id !== "string") return;
    if (!Number.isSafeInteger(seq) || seq < 0 || Number.isNaN(Date.parse(time))) return;
    return { ...columns, line };
  } catch {
    return undefined;
  }
}

const TEXT = 'text COLLATE "C"';
const COLUMNS = [
  ["writer", TEXT],
  ["seq", "bigint"],
  ["time", "timestamptz"],
  ...["type", "id", "iss", "key_id", "parent_id", "agent", "user_id", "txn", "tool"].map(
    (name) => [name, TEXT] as const,
  ),
  ...["call_id", "id_end", "code", "outcome"].map((name) => [name, TEXT] as const),
  ["scopes", "text[]"],
  ["line", "text"],
] as const;
const NAMES = COLUMNS.map(([name]) => name).join(", ");
const TYPED = COLUMNS.map(([name, type]) => `${name} ${type}`).join(", ");

/**
 * Adds lines in one transaction. Those that are there already stay: a batch whose answer was lost is
 * sent again. Only one sender adds at a time, so that who reads on behind a position misses nothing.
 *
 * @throws what the client threw; PostgresProblem when another line stands where one of these belongs.
 */
export async function insertLines(
  client: PostgresClient,
  table: string,
  rows: readonly Row[],
): Promise<void> {
  const json = JSON.stringify(rows);
  const { rowCount } = await client.query(
    `WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(${lockKey(table)}))
     INSERT INTO ${table} (${NAMES})
     SELECT ${NAMES} FROM turn, json_to_recordset($1::json) AS given (${TYPED})
     ON CONFLICT (writer, seq) DO NOTHING`,
    [json],
  );
  if (rowCount === rows.length) return;
  const others = await client.query(
    `SELECT 1 FROM json_to_recordset($1::json) AS given (${TYPED})
     LEFT JOIN ${table} AS kept ON kept.writer = given.writer AND kept.seq = given.seq
     WHERE kept.line IS DISTINCT FROM given.line LIMIT 1`,
    [json],
  );
  if (others.rows.length === 0) return;
  throw new PostgresProblem("the table has another line where one of this spool belongs");
}
