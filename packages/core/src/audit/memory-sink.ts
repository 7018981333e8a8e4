import type { AuditEvent } from "./event.ts";
import { DEFAULT_READ_LIMIT } from "./read-file.ts";
import { passes, type Sink } from "./sink.ts";

/** Keeps every event in memory, for tests and for showing a short run. */
export interface MemorySink extends Sink {
  /** Everything written so far, oldest first. */
  readonly events: readonly AuditEvent[];
}

/** A sink that keeps every event in `.events`. Nothing bounds it. */
export function memorySink(): MemorySink {
  const events: AuditEvent[] = [];
  return {
    events,
    write: (event) => void events.push(event),
    read: (filter) => {
      const limit = filter.limit ?? DEFAULT_READ_LIMIT;
      return limit > 0 ? events.filter((event) => passes(event, filter)).slice(-limit) : [];
    },
  };
}
