import { existsSync } from "node:fs";
import type { RecordIndex, Wanted } from "@agent-keys/audit";
import { scopeCovers } from "@agent-keys/core/audit";
import type { Files } from "./audit-file.ts";
import { ConsoleError } from "./console-error.ts";
import type { Filter } from "./filter.ts";
import type { LineReader } from "./read-events.ts";

/** The indexes of some files; a file without one is read as it is. */
export type Indexes = ReadonlyMap<
  string,
  Pick<RecordIndex, "events" | "linesWith" | "linesBackward">
>;

/**
 * Does something with what indexes there are beside files, and where one of them turns out to be damaged
 * does it again without any.
 */
export async function withIndexes<T>(
  files: Files,
  reader: LineReader,
  work: (indexes: Indexes) => T,
): Promise<T> {
  const indexes = new Map<string, RecordIndex>();
  for (const file of files.filter((path) => existsSync(`${path}.index`))) {
    // Only where there is one: a small record is read before SQLite is loaded.
    const { openIndex } = await import("@agent-keys/audit");
    const index = openIndex(file);
    if (index !== undefined) indexes.set(file, index);
  }
  if (indexes.size === 0) return work(indexes);
  try {
    return work(indexes);
  } catch (error) {
    // Of what a person can put right, the record itself would say the same.
    if (error instanceof ConsoleError) throw error;
    reader.forget();
    return work(new Map());
  } finally {
    for (const index of indexes.values()) index[Symbol.dispose]();
  }
}

/** What a filter wants of a block of lines; `undefined` where it wants all. */
export function wantedBy(filter: Filter): Wanted | undefined {
  const { agents, users, tools, scopes, types, outcomes } = filter;
  const wanted: Wanted = {
    ...(agents.length > 0 ? { agent: agents } : {}),
    ...(users.length > 0 ? { user: users } : {}),
    ...(tools.length > 0 ? { tool: tools } : {}),
    ...(types.length > 0 ? { type: types } : {}),
    ...(outcomes.length > 0 ? { outcome: outcomes } : {}),
    ...(scopes.length > 0
      ? { scope: (scope: string) => scopes.some((pattern) => scopeCovers(pattern, scope)) }
      : {}),
  };
  return Object.keys(wanted).length > 0 ? wanted : undefined;
}
