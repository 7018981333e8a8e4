import type { ReadEvent } from "@agent-keys/core/audit";
import type { Arguments } from "../arguments.ts";
import {
  DEFAULT_FILES,
  type Files,
  filesText,
  filesToRead,
  requireFile,
  statOf,
} from "../audit-file.ts";
import { say } from "../complain.ts";
import { type EventLines, eventLines } from "../event-lines.ts";
import { type Filter, passesFilter } from "../filter.ts";
import { followLines } from "../follow.ts";
import { mingled } from "../merged.ts";
import { type OpenTail, openTail } from "../open-tail.ts";
import { lineReader, newestEvents, reportFlaws } from "../read-events.ts";
import type { Terminal } from "../terminal.ts";

const DEFAULT_LIMIT = 10;

/** Shows the newest events, and with `--follow` each one as it comes. */
export async function tail(args: Arguments, to: Terminal): Promise<number> {
  const { filter, limit = DEFAULT_LIMIT, json, follow, database } = args;
  const lines = eventLines(to, json);
  if (database !== undefined) {
    const { tailDatabase } = await import("../database/tail-database.ts");
    return tailDatabase(database, { filter, limit, follow, lines }, to);
  }
  const files = filesToRead(args.files);
  const [first, ...more] = files.filter((file) => !follow || statOf(file) !== undefined);
  const tails = new Map<string, OpenTail>();
  if (first !== undefined) {
    const there: Files = [first, ...more];
    for (const file of there) requireFile(file);
    if (follow) for (const file of there) tails.set(file, openTail(file, "end"));
    const reader = lineReader();
    // What comes after these places is not shown now, so that following shows it once.
    const ends = new Map(Array.from(tails, ([file, open]) => [file, open.lineByte]));
    const found = newestEvents(there, reader, { filter, limit, ends });
    reportFlaws(reader, there, to);
    to.out(lines(found));
    if (reader.readable === 0 && !follow && limit > 0)
      say(to, `${filesText(there)}: no events yet`);
  }
  // The broker may be started later than the agent.
  const isDefault = args.files.length === 0;
  const followed = isDefault ? DEFAULT_FILES : files;
  if (follow) await showComing({ files: followed, filter, tails, lines, isDefault }, to);
  return 0;
}

interface Coming {
  readonly files: Files;
  readonly filter: Filter;
  readonly tails: ReadonlyMap<string, OpenTail>;
  readonly lines: EventLines;
  readonly isDefault: boolean;
}

async function showComing(
  { files, filter, tails, lines, isDefault }: Coming,
  to: Terminal,
): Promise<void> {
  const notice = (message: string): void => say(to, message);
  const stop = new AbortController();
  const signals = to.signal === undefined ? [stop.signal] : [stop.signal, to.signal];
  const signal = AbortSignal.any(signals);
  const sources = files.map((file) => {
    const isOptional = isDefault && (tails.size > 0 || file !== files[0]);
    return followLines(file, { tail: tails.get(file), isOptional, notice, signal });
  });
  for await (const added of mingled(sources, () => stop.abort())) {
    const reader = lineReader();
    const events = added
      .map((line) => reader.read(line))
      .filter((found): found is ReadEvent => found !== undefined);
    // One unreadable line among what comes does not end it, not even when it comes alone.
    const { damaged, unknown } = reader;
    reportFlaws({ damaged, unknown, readable: 1 }, files, to);
    to.out(lines(events.filter(({ event }) => passesFilter(event, filter))));
  }
}
