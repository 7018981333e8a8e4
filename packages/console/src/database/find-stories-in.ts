import type { AuditRecord } from "@agent-keys/audit/sqlite";
import { type AuditEvent, parseLine } from "@agent-keys/core/audit";
import { type Filter, passesFilter } from "../filter.ts";
import { type FoundStories, handlesNamed, mintsFirst, storiesOf } from "../find-story.ts";
import type { LineReader } from "../read-events.ts";
import { queryFor } from "./newest-in.ts";

/** How many ids are asked for at once. */
const ASKED_AT_ONCE = 500;
const REVOCATIONS = ["key.revoked", "key.restored"];

/**
 * Finds the calls that an id, or its beginning or end, names, by the database's indexes: first the id,
 * then all that belongs to it, generation by generation.
 *
 * @throws ConsoleError when several ids begin or end with it.
 */
export async function findStoriesIn(
  record: AuditRecord,
  id: string,
  { filter, reader }: { readonly filter: Filter; readonly reader: LineReader },
): Promise<FoundStories> {
  const named = handlesNamed(id);
  for await (const batch of record.lines({ ...queryFor(filter), idLike: id, order: "oldest" })) {
    for (const { line } of batch) {
      const event = reader.read(line)?.event;
      if (event !== undefined && passesFilter(event, filter)) named.add(event);
    }
  }
  const { damaged, unknown, readable } = reader;
  const flaws = { damaged, unknown, readable };
  const handle = named.one();
  if (handle === undefined) return { stories: [], flaws };
  const found = await eventsAbout(record, handle.id);
  return { stories: storiesOf(handle, () => mintsFirst(found), filter), flaws };
}

/** All that belongs to an id, and every revocation since it began, in the order of the record. */
async function eventsAbout(record: AuditRecord, id: string): Promise<readonly AuditEvent[]> {
  const found = new Map<number, AuditEvent>();
  const asked = new Set([id]);
  const next = [id];
  while (next.length > 0) {
    const about = next.splice(0, ASKED_AT_ONCE);
    for await (const batch of record.lines({ about, order: "oldest" })) {
      for (const { position, line } of batch) {
        const event = parseLine(line);
        if (event === undefined) continue;
        found.set(position, event);
        const keyId = "keyId" in event ? event.keyId : undefined;
        if (keyId === undefined || asked.has(keyId)) continue;
        asked.add(keyId);
        next.push(keyId);
      }
    }
  }
  let first = Infinity;
  for (const position of found.keys()) first = Math.min(first, position);
  if (first === Infinity) return [];
  const revocations = { types: REVOCATIONS, after: first - 1, order: "oldest" } as const;
  for await (const batch of record.lines(revocations)) {
    for (const { position, line } of batch) {
      const event = parseLine(line);
      if (event !== undefined) found.set(position, event);
    }
  }
  return [...found].toSorted(([one], [other]) => one - other).map(([, event]) => event);
}
