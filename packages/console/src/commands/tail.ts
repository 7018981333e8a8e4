import type { ReadEvent } from "@agent-keys/core/audit";
import type { Arguments } from "../arguments.ts";
import { requireFile, statOf } from "../audit-file.ts";
import { say } from "../complain.ts";
import { type EventLines, eventLines } from "../event-lines.ts";
import { passesFilter } from "../filter.ts";
import { followLines } from "../follow.ts";
import { type OpenTail, openTail } from "../open-tail.ts";
import { lineReader, newestEvents, reportFlaws } from "../read-events.ts";
import type { Terminal } from "../terminal.ts";

const DEFAULT_LIMIT = 10;

/** Shows the newest events, and with `--follow` each one as it comes. */
export async function tail(args: Arguments, to: Terminal): Promise<number> {
  const { files, filter, limit = DEFAULT_LIMIT, json, follow } = args;
  const [file] = files;
  const lines = eventLines(to, json);
  const isThere = !follow || statOf(file) !== undefined;
  if (isThere) requireFile(file);
  const open = follow && isThere ? openTail(file, "end") : undefined;
  if (isThere) {
    const reader = lineReader();
    // What comes after this place is not shown now, so that following shows it once.
    const range = open === undefined ? {} : { endByte: open.lineByte };
    const found = newestEvents(file, reader, { filter, limit, ...range });
    reportFlaws(reader, file, to);
    to.out(lines(found));
    if (reader.readable === 0 && !follow) say(to, `${file} has no events yet`);
  }
  if (follow) await showComing(args, to, { lines, tail: open });
  return 0;
}

async function showComing(
  { files: [file], filter }: Arguments,
  to: Terminal,
  { lines, tail: open }: { lines: EventLines; tail: OpenTail | undefined },
): Promise<void> {
  const notice = (message: string): void => say(to, message);
  for await (const added of followLines(file, { tail: open, notice, signal: to.signal })) {
    const reader = lineReader();
    const events = added
      .map((line) => reader.read(line))
      .filter((found): found is ReadEvent => found !== undefined);
    // One unreadable line among what comes does not end it, not even when it comes alone.
    const { damaged, unknown } = reader;
    reportFlaws({ damaged, unknown, readable: 1 }, file, to);
    to.out(lines(events.filter(({ event }) => passesFilter(event, filter))));
  }
}
