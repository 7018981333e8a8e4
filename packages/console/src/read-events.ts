import { lineHash, type ReadEvent, readEvent, readRecordBackward } from "@agent-keys/core/audit";
import { say } from "./complain.ts";
import { ConsoleError } from "./console-error.ts";
import { type Filter, passesFilter } from "./filter.ts";
import { type Indexes, wantedBy } from "./indexes.ts";
import { merged } from "./merged.ts";
import { type Files, filesText } from "./audit-file.ts";
import type { Terminal } from "./terminal.ts";

/** What was on the lines that were read, beside events. */
export interface Flaws {
  /** Lines, or parts of one, that are no event. */
  readonly damaged: number;
  /** Whole events of a kind that this version does not know. */
  readonly unknown: number;
  readonly readable: number;
}

/** Reads lines one by one, and counts what cannot be read. */
export interface LineReader extends Flaws {
  read(line: string): ReadEvent | undefined;
  /** Begins to count anew. */
  forget(): void;
}

/** A reader that has seen nothing yet. */
export function lineReader(): LineReader {
  const counts = { damaged: 0, unknown: 0, readable: 0 };
  return {
    read(line) {
      const found = readEvent(line);
      if (found !== undefined) counts.readable += 1;
      if (found === undefined && isIntact(line)) counts.unknown += 1;
      else if (found?.line !== line) counts.damaged += 1;
      return found;
    },
    forget: () => void Object.assign(counts, { damaged: 0, unknown: 0, readable: 0 }),
    get damaged() {
      return counts.damaged;
    },
    get unknown() {
      return counts.unknown;
    },
    get readable() {
      return counts.readable;
    },
  };
}

/** Whether a line is as its writer sealed it, so that it is not damaged but too new for us. */
function isIntact(line: string): boolean {
  const [, body, hash] = /^(\{.*),"hash":"([0-9a-f]{64})"\}$/s.exec(line) ?? [];
  return body !== undefined && lineHash(body) === hash;
}

/**
 * After so many lines in a row from before the time that is asked for, what comes before them is
 * from before it too: clocks of several writers differ by less, and an event that waited for a sink
 * does not wait behind others.
 */
const OLD_LINES = 1_000;

/** How far to read. */
export interface ReadRange {
  readonly sinceMs?: number | undefined;
  /** Where to begin in a file. Default: at its end. */
  readonly ends?: ReadonlyMap<string, number>;
  /** With indexes, what cannot pass a filter is not read. */
  readonly indexes?: Indexes;
  readonly filter?: Filter;
}

/**
 * The events of files and their full segments from the newest to the oldest, no further back than a
 * filter looks. Each file stays in its own order; of several, the one with the later event goes on.
 */
export function* eventsBackward(
  files: Files,
  reader: LineReader,
  { sinceMs = -Infinity, ends, indexes, filter }: ReadRange = {},
): Generator<ReadEvent, void, undefined> {
  const wanted = filter === undefined ? undefined : wantedBy(filter);
  const sources = files.map((path) => {
    const some = wanted === undefined ? undefined : indexes?.get(path)?.linesBackward(wanted);
    return eventsOfBackward(some ?? readRecordBackward(path, ends?.get(path)), reader, sinceMs);
  });
  yield* merged(sources, (one, other) => one.event.time > other.event.time);
}

function* eventsOfBackward(
  lines: Iterable<string>,
  reader: LineReader,
  sinceMs: number,
): Generator<ReadEvent, void, undefined> {
  let old = 0;
  for (const line of lines) {
    const found = reader.read(line);
    if (found === undefined) continue;
    old = Date.parse(found.event.time) < sinceMs ? old + 1 : 0;
    if (old > OLD_LINES) return;
    yield found;
  }
}

/** The newest events that pass a filter, oldest first. */
export function newestEvents(
  files: Files,
  reader: LineReader,
  { filter, limit, ends, indexes }: { filter: Filter; limit: number } & Omit<ReadRange, "sinceMs">,
): readonly ReadEvent[] {
  const newest: ReadEvent[] = [];
  const range = {
    sinceMs: filter.sinceMs,
    ...(ends === undefined ? {} : { ends }),
    ...(indexes === undefined ? {} : { indexes, filter }),
  };
  if (limit === 0) return newest;
  for (const found of eventsBackward(files, reader, range)) {
    if (passesFilter(found.event, filter)) newest.push(found);
    if (newest.length >= limit) break;
  }
  return newest.toReversed();
}

/**
 * Says on stderr what could not be read.
 *
 * @throws ConsoleError when nothing could.
 */
export function reportFlaws(
  { damaged, unknown, readable }: Flaws,
  files: Files,
  to: Terminal,
): void {
  const hint = `agent-keys verify ${files.join(" ")} names the first`;
  if (readable === 0 && damaged > 0) {
    const holds = files.length > 1 ? "hold" : "holds";
    throw new ConsoleError(`${filesText(files)} ${holds} no readable audit event`, hint);
  }
  if (damaged > 0) say(to, `${counted(damaged, "damaged line", "")} passed over`, hint);
  if (unknown > 0) {
    const newer = "they may come from a newer version of agent-keys";
    say(to, `${counted(unknown, "line", " of an unknown kind")} passed over`, newer);
  }
}

function counted(count: number, what: string, of: string): string {
  return count === 1 ? `1 ${what}${of} was` : `${count} ${what}s${of} were`;
}
