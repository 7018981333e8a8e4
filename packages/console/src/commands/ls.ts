import type { Arguments } from "../arguments.ts";
import { type Files, filesText, filesToRead, requireFile } from "../audit-file.ts";
import { say } from "../complain.ts";
import { eventLines } from "../event-lines.ts";
import { lineReader, newestEvents, reportFlaws } from "../read-events.ts";
import type { Terminal } from "../terminal.ts";

const DEFAULT_LIMIT = 50;

/** Lists the newest events that pass the filters. */
export function ls(
  { files, filter, limit = DEFAULT_LIMIT, json }: Arguments,
  to: Terminal,
): number {
  const read = filesToRead(files);
  for (const file of read) requireFile(file);
  const reader = lineReader();
  const found = newestEvents(read, reader, { filter, limit });
  reportFlaws(reader, read, to);
  to.out(eventLines(to, json)(found));
  if (found.length === 0 && limit > 0) say(to, nothing(read, reader.readable));
  return 0;
}

function nothing(files: Files, readable: number): string {
  const named = filesText(files);
  if (readable > 0) return `no event of ${named} passes the filters`;
  return `${named} ${files.length > 1 ? "have" : "has"} no events yet`;
}
