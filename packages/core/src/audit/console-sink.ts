import { eventText, type EventWidths, measureEvents, wantsColor } from "./event-text.ts";
import type { Sink } from "./sink.ts";
import { lineWriter } from "./write-all.ts";

const STDERR = 2;

/**
 * Shows events on stderr: one readable line each on a terminal (coloured unless `NO_COLOR` is set),
 * the event's JSON otherwise. stdout belongs to the program.
 */
export function consoleSink(): Sink {
  const print = lineWriter(STDERR);
  let widths: EventWidths | undefined;
  return {
    write(event, line) {
      // Where there is no file system, there may be no stderr.
      if (!process.stderr?.isTTY) return print(line);
      const { columns } = process.stderr;
      widths = measureEvents([event], widths);
      const color = wantsColor(process.env, true);
      print(eventText(event, { color, columns: columns > 0 ? columns : 80, widths }));
    },
  };
}
