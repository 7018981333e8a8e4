import type { Arguments } from "../arguments.ts";
import { type Files, filesText } from "../audit-file.ts";
import { say } from "../complain.ts";
import { eventLines } from "../event-lines.ts";
import { lineReader, reportFlaws } from "../read-events.ts";
import { openSource } from "../source.ts";
import type { Terminal } from "../terminal.ts";

const DEFAULT_LIMIT = 50;

/** Lists the newest events that pass the filters. */
export async function ls(
  { filter, limit = DEFAULT_LIMIT, json, ...addresses }: Arguments,
  to: Terminal,
): Promise<number> {
  await using source = await openSource(addresses);
  const reader = lineReader();
  const found = await source.newest(reader, { filter, limit });
  reportFlaws(reader, source.names, to);
  to.out(eventLines(to, json)(found));
  if (found.length === 0 && limit > 0) {
    say(to, nothing(source.names, await source.isEmpty(reader)));
  }
  return 0;
}

function nothing(files: Files, isEmpty: boolean): string {
  const named = filesText(files);
  if (!isEmpty) return `no event of ${named} passes the filters`;
  return `${named} ${files.length > 1 ? "have" : "has"} no events yet`;
}
