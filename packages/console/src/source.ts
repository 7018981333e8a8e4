import type { ReadEvent } from "@agent-keys/core/audit";
import { type Files, filesToRead, requireFile } from "./audit-file.ts";
import { type Stats, statsCollector } from "./collect-stats.ts";
import type { Addresses } from "./database/address.ts";
import type { Filter } from "./filter.ts";
import { findStories, type FoundStories } from "./find-story.ts";
import { withIndexes } from "./indexes.ts";
import { eventsBackward, type LineReader, newestEvents } from "./read-events.ts";

/** Where a record is read: files or a database give the same of the same events. */
export interface Source extends AsyncDisposable {
  /** What messages call it. */
  readonly names: Files;
  /** The newest events that pass a filter, oldest first. */
  newest(
    reader: LineReader,
    wanted: { readonly filter: Filter; readonly limit: number },
  ): Promise<readonly ReadEvent[]>;
  stats(reader: LineReader, filter: Filter): Promise<Stats>;
  /** @throws ConsoleError when several ids begin or end with it. */
  stories(id: string, reader: LineReader, filter: Filter): Promise<FoundStories>;
  /** Whether there is nothing to read, after what was asked for was not found. */
  isEmpty(reader: LineReader): Promise<boolean>;
}

/**
 * Opens what was named.
 *
 * @throws ConsoleError that says why it cannot be read.
 */
export async function openSource({ files, database }: Addresses): Promise<Source> {
  if (database !== undefined) {
    const { databaseSource } = await import("./database/database-source.ts");
    return databaseSource(database);
  }
  const read = filesToRead(files);
  for (const file of read) requireFile(file);
  return fileSource(read);
}

function fileSource(files: Files): Source {
  let indexed = 0;
  return {
    names: files,
    newest: async (reader, wanted) =>
      withIndexes(files, reader, (indexes) => {
        indexed = Array.from(indexes.values()).reduce((sum, { events }) => sum + events, 0);
        return newestEvents(files, reader, { ...wanted, indexes });
      }),
    async stats(reader, filter) {
      const collector = statsCollector(filter);
      const { sinceMs } = filter;
      for (const { event } of eventsBackward(files, reader, { sinceMs })) collector.add(event);
      return collector.stats();
    },
    stories: async (id, reader, filter) =>
      withIndexes(files, reader, (indexes) => findStories(files, id, { filter, reader, indexes })),
    // What an index passed over is there too.
    isEmpty: async ({ readable }) => readable === 0 && indexed === 0,
    [Symbol.asyncDispose]: async () => undefined,
  };
}
