import type { AuditRecord, RecordLine } from "../record/audit-record.ts";
import { recordLine } from "../record/columns-agree.ts";
import { selectLines } from "../record/select-lines.ts";
import { bound, sqliteDialect } from "./dialect.ts";
import { openToRead } from "./open-events.ts";

/** How many lines are given at once. */
const BATCH = 1_000;

/**
 * Opens a record that `sqliteSink` writes, to read it; nothing in it is changed.
 *
 * @throws Error when it is not there, or is no such record.
 */
export function openSqliteRecord(path: string): AuditRecord {
  const database = openToRead(path);
  return {
    name: path,
    // A generator that gives what is there: nothing is waited for.
    async *lines(query) {
      const { sql, values } = selectLines("events", query, sqliteDialect);
      const statement = database.prepare(sql);
      let batch: RecordLine[] = [];
      for (const row of statement.iterate(...values.map(bound))) {
        batch.push(recordLine(row, query));
        if (batch.length < BATCH) continue;
        yield batch;
        batch = [];
      }
      if (batch.length > 0) yield batch;
    },
    async [Symbol.asyncDispose]() {
      database.close();
    },
  };
}
