import { readFileSync } from "node:fs";
import { isSignedBy, type NoteVerifier, readNote } from "../note/note.ts";
import { type Extent, journalState, readSeal } from "./journal.ts";
import { journalPath } from "./side-files.ts";

/** What a record's journal says. */
export interface Journal {
  /** As far as one line follows the other. Without a file, none. */
  readonly extents: readonly Extent[];
  /** Up to which leaf somebody with the key has said so. */
  readonly sealed: number;
}

/** Reads a record's journal; without a key nothing in it is sealed. */
export function readJournal(record: string, key?: NoteVerifier): Journal {
  const state = journalState();
  const extents: Extent[] = [];
  let sealed = 0;
  for (const line of readIfThere(journalPath(record)).split("\n")) {
    const extent = state.take(line);
    if (extent !== undefined) extents.push(extent);
    const seal = key === undefined ? undefined : readSeal(line);
    const note = seal === undefined ? undefined : readNote(seal);
    if (key === undefined || note === undefined || !isSignedBy(note, key)) continue;
    const size = Number(/\n(\d{1,16}) \S+\n$/.exec(note.text)?.[1]);
    if (note.text === state.sealText(key.name, size)) sealed = Math.max(sealed, size);
  }
  return { extents, sealed };
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
