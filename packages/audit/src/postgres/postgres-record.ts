import type { AuditRecord, RecordLine, RecordQuery } from "../record/audit-record.ts";
import { recordLine } from "../record/columns-agree.ts";
import { selectLines } from "../record/select-lines.ts";
import { type BorrowedClient, borrowClient } from "./borrow-client.ts";
import type { PostgresClient } from "./client.ts";
import { postgresDialect } from "./dialect.ts";
import { openPool } from "./open-pool.ts";
import { inOurWords } from "./say-why.ts";
import { DEFAULT_TABLE, requireTable } from "./schema.ts";

/** How many lines are fetched at once. */
const BATCH = 1_000;
/** A search that no index helps reads all. */
const ANSWER_MS = 10 * 60 * 1_000;

/**
 * Opens a record that `postgresSink` writes, to read it; nothing in it is changed. The table is
 * `?table=…` of the connection string, by default `agent_keys_audit`.
 *
 * @param connection - `postgres://user:password@host/database`.
 * @throws TypeError when it is no such string; what it has in it is not repeated.
 */
export function openPostgresRecord(connection: string): AuditRecord {
  const url = parse(connection);
  const table = url.searchParams.get("table") ?? DEFAULT_TABLE;
  requireTable(table, "table");
  url.searchParams.delete("table");
  const pool = openPool(url.href, ANSWER_MS);
  const port = url.port === "" ? "" : `:${url.port}`;
  const user = url.username === "" ? "" : `${url.username}@`;
  return {
    name: `postgres://${user}${url.hostname}${port}${url.pathname}`,
    async *lines(query) {
      let borrowed: BorrowedClient | undefined;
      let isWhole = false;
      try {
        borrowed = await borrowClient(pool);
        yield* read(borrowed.client, table, query);
        isWhole = true;
      } catch (error) {
        throw inOurWords(error);
      } finally {
        // One that was left in the middle, also because enough was seen, is in a transaction.
        borrowed?.giveBack(isWhole);
      }
    },
    [Symbol.asyncDispose]: async () => pool.end(),
  };
}

/** By a cursor, in one snapshot: however long it takes, it is the record of one moment. */
async function* read(
  client: PostgresClient,
  table: string,
  query: RecordQuery,
): AsyncGenerator<readonly RecordLine[], void, undefined> {
  const { sql, values } = selectLines(table, query, postgresDialect);
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  await client.query(`DECLARE found NO SCROLL CURSOR FOR ${sql}`, values);
  for (;;) {
    const { rows } = await client.query(`FETCH ${BATCH} FROM found`);
    if (rows.length > 0) {
      yield rows.map((row) => recordLine(row, query));
    }
    if (rows.length < BATCH) break;
  }
  await client.query("COMMIT");
}

function parse(connection: string): URL {
  const url = URL.parse(connection);
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol) || url.hash !== "") {
    throw new TypeError(
      "no connection string of PostgreSQL; what is special in a password is %-encoded",
    );
  }
  return url;
}
