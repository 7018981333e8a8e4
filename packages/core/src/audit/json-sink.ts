import type { Sink } from "./sink.ts";
import { takesLines } from "./takes-lines.ts";
import { lineWriter } from "./write-all.ts";

/**
 * Writes one JSON line an event to stdout, for platforms that collect it and have no disk to write
 * to. A full pipe is waited for up to a second. Not for a program whose stdout means something else, such as an MCP server over stdio.
 */
export function jsonSink(): Sink {
  const write = lineWriter(STDOUT);
  return {
    write: takesLines((line) => {
      // A pipe that nothing has looked at blocks without end when it is full, whatever the deadline.
      void process.stdout?.isTTY;
      write(line);
    }),
  };
}

const STDOUT = 1;
