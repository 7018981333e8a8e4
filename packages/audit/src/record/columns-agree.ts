import type { AuditEvent } from "@agent-keys/core/audit";
import type { RecordLine, RecordQuery } from "./audit-record.ts";
import { columnsOf } from "./columns.ts";

type Row = Readonly<Record<string, unknown>>;

/** A row of a database as what a query asks for. */
export function recordLine(row: Row, { compared }: RecordQuery): RecordLine {
  const found = { position: Number(row["position"]), line: String(row["line"]) };
  return compared === true ? { ...found, agrees: columnsAgree(row) } : found;
}

/**
 * Whether a row's columns are those of its line. Filters look at the columns and a chain covers only the
 * line: a row of which only a column was changed would be missed by the one and pass the other.
 *
 * @param row - All columns, as a database gives them.
 */
function columnsAgree(row: Row): boolean {
  const expected = expectedOf(String(row["line"]));
  // That a line is no event, its chain shows.
  if (expected === undefined) return true;
  return Object.entries(expected).every(([name, value]) => isSame(name, row[name], value));
}

function expectedOf(line: string): Row | undefined {
  try {
    return { ...columnsOf(JSON.parse(line) as AuditEvent) };
  } catch {
    return undefined;
  }
}

function isSame(name: string, found: unknown, expected: unknown): boolean {
  if (name === "seq") return Number(found) === expected;
  if (name === "time") return momentOf(found) === momentOf(expected);
  // SQLite has a list as JSON, PostgreSQL as one.
  if (name === "scopes") {
    return (typeof found === "string" ? found : JSON.stringify(found)) === JSON.stringify(expected);
  }
  return (found ?? null) === (expected ?? null);
}

function momentOf(time: unknown): number {
  return time instanceof Date ? time.getTime() : Date.parse(String(time));
}
