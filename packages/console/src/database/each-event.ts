import type { AuditEvent } from "@agent-keys/core/audit";
import type { Files } from "../audit-file.ts";
import { type Filter, passesFilter } from "../filter.ts";
import type { LineReader } from "../read-events.ts";
import type { DatabaseAddress } from "./address.ts";
import { nameOf, saying } from "./database-source.ts";
import { queryFor } from "./newest-in.ts";
import { openDatabase } from "./open-database.ts";

/**
 * Gives each event of a database that passes a filter, in the order of the record.
 *
 * @returns What messages call the record.
 */
export async function eachEvent(
  database: DatabaseAddress,
  { reader, filter }: { readonly reader: LineReader; readonly filter: Filter },
  give: (event: AuditEvent) => void,
): Promise<Files> {
  await using record = saying(database, await openDatabase(database));
  for await (const batch of record.lines({ ...queryFor(filter), order: "oldest" })) {
    for (const { line } of batch) {
      const event = reader.read(line)?.event;
      if (event !== undefined && passesFilter(event, filter)) give(event);
    }
  }
  return [nameOf(database, record)];
}
