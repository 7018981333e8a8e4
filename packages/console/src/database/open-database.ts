import type { AuditRecord } from "@agent-keys/audit/sqlite";
import { ConsoleError } from "../console-error.ts";
import type { DatabaseAddress } from "./address.ts";

/**
 * Opens a record in a database. What that needs is imported now: who reads files does not wait for it.
 *
 * @throws ConsoleError that says why not; without a password.
 */
export async function openDatabase({ kind, at }: DatabaseAddress): Promise<AuditRecord> {
  try {
    if (kind === "sqlite") return (await import("@agent-keys/audit/sqlite")).openSqliteRecord(at);
    return (await importPostgres()).openPostgresRecord(at);
  } catch (error) {
    if (error instanceof ConsoleError) throw error;
    throw unreadable(kind, error);
  }
}

/** A database that could not be read, in its own words: those have no password in them. */
export function unreadable(kind: DatabaseAddress["kind"], error: unknown): ConsoleError {
  const why = error instanceof Error ? error.message : String(error);
  return new ConsoleError(
    why,
    kind === "sqlite"
      ? "sqlite: takes the path of what sqliteSink(path) writes"
      : "as in postgres://user@host/database, with the password in PGPASSWORD; ?table= names another table",
  );
}

async function importPostgres() {
  try {
    return await import("@agent-keys/audit/postgres");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new ConsoleError("PostgreSQL cannot be read without pg", "npm install pg");
  }
}
