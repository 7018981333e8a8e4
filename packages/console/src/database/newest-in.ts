import type { AuditRecord, RecordQuery } from "@agent-keys/audit/sqlite";
import type { ReadEvent } from "@agent-keys/core/audit";
import { type Filter, passesFilter } from "../filter.ts";
import type { LineReader } from "../read-events.ts";

/** What a database can tell of a filter. It may find more: each event is looked at again. */
export function queryFor(filter: Filter): Omit<RecordQuery, "order"> {
  const { agents, users, tools, scopes, types, outcomes, sinceMs, untilMs } = filter;
  return { agents, users, tools, scopes, types, outcomes, sinceMs, untilMs };
}

/** @param upTo - Only events up to this position. Default: all. */
export async function newestIn(
  record: AuditRecord,
  reader: LineReader,
  {
    filter,
    limit,
    upTo = Infinity,
  }: { readonly filter: Filter; readonly limit: number; readonly upTo?: number },
): Promise<readonly ReadEvent[]> {
  const newest: ReadEvent[] = [];
  if (limit === 0) return newest;
  for await (const batch of record.lines({ ...queryFor(filter), order: "newest" })) {
    for (const { line, position } of batch) {
      const found = position <= upTo ? reader.read(line) : undefined;
      if (found !== undefined && passesFilter(found.event, filter)) newest.push(found);
      if (newest.length >= limit) return newest.toReversed();
    }
  }
  return newest.toReversed();
}
