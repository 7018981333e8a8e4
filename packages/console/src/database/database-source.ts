import type { AuditRecord } from "@agent-keys/audit/sqlite";
import { statsCollector } from "../collect-stats.ts";
import type { Source } from "../source.ts";
import type { DatabaseAddress } from "./address.ts";
import { findStoriesIn } from "./find-stories-in.ts";
import { newestIn, queryFor } from "./newest-in.ts";
import { openDatabase, unreadable } from "./open-database.ts";

/** The record in a database, as the commands read it. */
export async function databaseSource(database: DatabaseAddress): Promise<Source> {
  const record = saying(database, await openDatabase(database));
  return {
    names: [nameOf(database, record)],
    newest: async (reader, wanted) => newestIn(record, reader, wanted),
    async stats(reader, filter) {
      const collector = statsCollector(filter);
      // Not by what a call came to: its end says that, and its beginning must be seen too.
      const query = { ...queryFor(filter), types: [], outcomes: [] };
      for await (const batch of record.lines({ ...query, order: "newest" })) {
        for (const { line } of batch) {
          const event = reader.read(line)?.event;
          if (event !== undefined) collector.add(event);
        }
      }
      return collector.stats();
    },
    stories: async (id, reader, filter) => findStoriesIn(record, id, { filter, reader }),
    async isEmpty() {
      for await (const _ of record.lines({ order: "newest" })) return false;
      return true;
    },
    [Symbol.asyncDispose]: async () => record[Symbol.asyncDispose](),
  };
}

/** What messages and `verify` call it: without a password. */
export function nameOf({ kind }: DatabaseAddress, { name }: AuditRecord): string {
  return kind === "sqlite" ? `sqlite:${name}` : name;
}

/** Says what went wrong as the console does, at whatever line that is. */
export function saying({ kind }: DatabaseAddress, record: AuditRecord): AuditRecord {
  return {
    name: record.name,
    async *lines(query) {
      try {
        yield* record.lines(query);
      } catch (error) {
        throw unreadable(kind, error);
      }
    },
    [Symbol.asyncDispose]: async () => record[Symbol.asyncDispose](),
  };
}
