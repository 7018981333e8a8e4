import { eventText } from "./event-text.ts";
import type { Sink } from "./sink.ts";
import { lineWriter } from "./write-all.ts";

const STDERR = 2;

/**
 * Shows events on stderr: one readable line each on a terminal (coloured unless `NO_COLOR` is set),
 * the event's JSON otherwise. stdout belongs to the program.
 */
export function consoleSink(): Sink {
  const print = lineWriter(STDERR);
  return {
    write(event, line) {
      const { isTTY, columns } = process.stderr;
      const color = (process.env["NO_COLOR"] ?? "") === "";
      print(isTTY ? eventText(event, { color, columns }) : line);
    },
  };
}
