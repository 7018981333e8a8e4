import { setTimeout as wait } from "node:timers/promises";
import type { AuditRecord } from "@agent-keys/audit/sqlite";
import type { ReadEvent } from "@agent-keys/core/audit";
import { say } from "../complain.ts";
import type { EventLines } from "../event-lines.ts";
import { type Filter, passesFilter } from "../filter.ts";
import { lineReader, reportFlaws } from "../read-events.ts";
import type { Terminal } from "../terminal.ts";
import type { DatabaseAddress } from "./address.ts";
import { nameOf, saying } from "./database-source.ts";
import { newestIn, queryFor } from "./newest-in.ts";
import { openDatabase } from "./open-database.ts";

interface Tail {
  readonly filter: Filter;
  readonly limit: number;
  readonly follow: boolean;
  readonly lines: EventLines;
}

/** How often a database is asked for what has come. */
const POLL_MS = 200;

/** Shows the newest events of a database, and each one as it comes where they are followed. */
export async function tailDatabase(
  database: DatabaseAddress,
  { filter, limit, follow, lines }: Tail,
  to: Terminal,
): Promise<number> {
  await using record = saying(database, await openDatabase(database));
  const name = nameOf(database, record);
  // What comes after this is not shown now, so that following shows it once.
  const upTo = await lastPosition(record);
  const reader = lineReader();
  const found = await newestIn(record, reader, { filter, limit, upTo });
  reportFlaws(reader, [name], to);
  to.out(lines(found));
  if (upTo === 0 && !follow && limit > 0) say(to, `${name}: no events yet`);
  if (follow) await showComing(record, upTo, { name, filter, lines }, to);
  return 0;
}

async function lastPosition(record: AuditRecord): Promise<number> {
  for await (const [last] of record.lines({ order: "newest" })) return last?.position ?? 0;
  return 0;
}

async function showComing(
  record: AuditRecord,
  from: number,
  { name, filter, lines }: Pick<Tail, "filter" | "lines"> & { readonly name: string },
  to: Terminal,
): Promise<void> {
  let after = from;
  let isLost = false;
  while (to.signal?.aborted !== true) {
    try {
      for await (const batch of record.lines({ ...queryFor(filter), after, order: "oldest" })) {
        const reader = lineReader();
        const events: ReadEvent[] = [];
        for (const { line, position } of batch) {
          const found = reader.read(line);
          if (found !== undefined && passesFilter(found.event, filter)) events.push(found);
          after = position;
        }
        const { damaged, unknown } = reader;
        reportFlaws({ damaged, unknown, readable: 1 }, [name], to);
        to.out(lines(events));
      }
      isLost = false;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EPIPE") throw error;
      // It comes again, and what came meanwhile is then shown.
      if (!isLost) say(to, `${(error as Error).message}; waiting for it`);
      isLost = true;
    }
    await wait(POLL_MS, undefined, to.signal === undefined ? {} : { signal: to.signal }).catch(
      () => undefined,
    );
  }
}
