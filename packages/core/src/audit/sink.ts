import type { AuditEvent, AuditFact } from "./event.ts";

/**
 * Where audit events go. `write` is synchronous: it returns when the event is accepted, and throws
 * when it is not. A gating sink (the default) that throws stops new keys until it works again.
 */
export interface Sink {
  /**
   * Takes one event. `line` is its exact JSON, whose bytes `event.hash` covers.
   *
   * @throws anything, when the event was not accepted.
   */
  write(event: AuditEvent, line: string): void | Promise<void>;
  /**
   * What the sink itself has to put on record before the next event, whose line would be `line`; it
   * is sealed again behind what is returned.
   */
  notices?(line: string): readonly AuditFact[];
  /**
   * Makes ready to take events, and throws when it cannot, for who wants to know before the first one.
   * Called or not, the first event finds the sink ready.
   */
  open?(): void;
  /** Resolves when everything accepted is where it belongs. */
  flush?(): void | Promise<void>;
  /** Optional sinks never stop anything, may be asynchronous, and lose events when they lag. */
  readonly optional?: boolean | undefined;
  /** Reads back what was written, the newest last, if this sink can. */
  read?(filter: LogFilter): readonly AuditEvent[];
}

/** A sink, or just a function that takes events. */
export type SinkInput = Sink | ((event: AuditEvent) => void);

/** Which events to read. */
export interface LogFilter {
  /** Only events at or after this instant. */
  readonly since?: Date | string | number | undefined;
  /** Only events about the tool of this name. */
  readonly tool?: string | undefined;
  /** At most this many, the newest. */
  readonly limit?: number | undefined;
}

/** @throws TypeError when a filter would quietly match nothing, or everything. */
export function requireFilter({ since, limit }: LogFilter): void {
  if (since !== undefined && Number.isNaN(new Date(since).getTime())) {
    throw new TypeError("since: must be a date, its ISO text, or milliseconds");
  }
  if (limit !== undefined && !(typeof limit === "number" && limit >= 0)) {
    throw new TypeError("limit: must be a number, 0 or more");
  }
}

/** Whether an event passes a filter (but for its limit). Pure. */
export function passes(event: AuditEvent, { since, tool }: LogFilter): boolean {
  if (tool !== undefined && !("tool" in event && event.tool?.name === tool)) return false;
  return since === undefined || Date.parse(event.time) >= new Date(since).getTime();
}
