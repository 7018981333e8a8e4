import type { Sink } from "./sink.ts";
import { writeAll } from "./write-all.ts";

/**
 * Writes one JSON line an event to stdout, for platforms that collect it and have no disk to write
 * to. Not for a program whose stdout means something else, such as an MCP server over stdio.
 */
export function jsonSink(): Sink {
  return { write: (_event, line) => writeAll(STDOUT, `${line}\n`) };
}

const STDOUT = 1;
