import type { PostgresClient } from "./client.ts";
import { lockKey } from "./lock-key.ts";
import { PostgresProblem } from "./say-why.ts";
import { postgresSchema } from "./schema.ts";

/**
 * Makes sure that a connection is to a database that can take the lines as they are, and that the table
 * is there.
 *
 * @throws what the client threw; PostgresProblem when it is not so.
 */
export async function prepareTable(
  client: PostgresClient,
  { table, createTable }: { readonly table: string; readonly createTable: boolean },
): Promise<void> {
  // A commit that is answered must be on the disk, whatever the role's default is; and whoever holds
  // the turn and stops breathing must not keep it.
  await client.query(
    `SET synchronous_commit = on; SET TIME ZONE 'UTC';
     SET idle_in_transaction_session_timeout = '10s'; SET lock_timeout = '20s'`,
  );
  const encoding = await client.query("SHOW server_encoding");
  if (encoding.rows[0]?.["server_encoding"] !== "UTF8") {
    throw new PostgresProblem("the database's encoding is not UTF8: it could not keep every line");
  }
  const there = await client.query("SELECT to_regclass($1) IS NOT NULL AS there", [table]);
  if (there.rows[0]?.["there"] === true) return;
  if (!createTable) {
    throw new PostgresProblem(`the table ${table} is not there; postgresSchema() is its SQL`);
  }
  // Two that make it at once would be in each other's way, "if not exists" or not.
  await client.query(
    `BEGIN; SELECT pg_advisory_xact_lock(${lockKey(table)}); ${postgresSchema(table)} COMMIT`,
  );
}
