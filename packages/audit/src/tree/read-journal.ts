import { readFileSync } from "node:fs";
import { type Extent, journalState } from "./journal.ts";
import { journalPath } from "./side-files.ts";

/** What a record's journal says, as far as one line follows the other. Without a file, nothing. */
export function readJournal(record: string): readonly Extent[] {
  const state = journalState();
  return readIfThere(journalPath(record))
    .split("\n")
    .flatMap((line) => state.take(line) ?? []);
}

/** A file's text; of one that there is not, none. */
export function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
