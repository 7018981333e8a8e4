import type { Sink } from "./sink.ts";
import { lineWriter } from "./write-all.ts";

/**
 * Writes one JSON line an event to stdout, for platforms that collect it and have no disk to write
 * to. Not for a program whose stdout means something else, such as an MCP server over stdio.
 */
export function jsonSink(): Sink {
  const write = lineWriter(STDOUT);
  return { write: (_event, line) => write(line) };
}

const STDOUT = 1;
