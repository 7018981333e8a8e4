import type { Arguments } from "../arguments.ts";
import { requireFile } from "../audit-file.ts";
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
  const [file] = files;
  requireFile(file);
  const reader = lineReader();
  const found = newestEvents(file, reader, { filter, limit });
  reportFlaws(reader, file, to);
  to.out(eventLines(to, json)(found));
  if (found.length === 0 && limit > 0) say(to, nothing(file, reader.readable));
  return 0;
}

function nothing(file: string, readable: number): string {
  return readable === 0 ? `${file} has no events yet` : `no event of ${file} passes the filters`;
}
