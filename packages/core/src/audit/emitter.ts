import { randomBytes } from "node:crypto";
import type { Clock } from "../clock.ts";
import { AgentKeyError } from "../errors.ts";
import type { AuditEvent } from "./event.ts";
import type { Recordable } from "./fact.ts";
import type { Stamp } from "./chain.ts";
import { openOutlet, type Outlet } from "./outlet.ts";
import { isInsideSink } from "./inside-sink.ts";
import type { LogFilter, SinkInput } from "./sink.ts";

/** Puts facts on record in every sink, by what each kind of fact promises. */
export interface AuditLog {
  /**
   * Something is about to happen. Returns when every gating sink accepted it.
   *
   * @param atMs - The instant that the fact itself speaks of; by default now.
   * @throws AgentKeyError `audit_unavailable`: it must not happen.
   */
  intent(fact: Recordable, atMs?: number): void;
  /** Something was refused. The refusal stands whether or not it could be written. */
  refusal(fact: Recordable): void;
  /**
   * Something has happened. Never throws; what could not be written is kept, written first when the
   * sink works again, and until then no intent passes.
   */
  outcome(fact: Recordable): void;
  /**
   * Opens the gating sinks that can be opened ahead of the first event.
   *
   * @throws what a sink threw.
   */
  open(): void;
  /** The newest events, from the first sink that can be read. */
  read(filter: LogFilter): readonly AuditEvent[];
  /**
   * Writes what sinks are owed and resolves when all have flushed, or after 5 seconds for optional ones.
   *
   * @throws AgentKeyError `audit_unavailable`: the record is not complete.
   */
  flush(): Promise<void>;
}

/**
 * Opens an audit log over sinks.
 *
 * @throws TypeError when a sink is not one, or a gating one is an async function.
 */
export function openAuditLog(sinks: readonly SinkInput[], now: Clock): AuditLog {
  const outlets = sinks.map((sink, index) => openOutlet(sink, `audit[${index}]`));
  const prefix = randomBytes(9).toString("base64url");
  let count = 0;
  let delivering = false;

  let time = "";
  let timeMs = Number.NaN;

  const stamp = (atMs = validMs(now)): Stamp => {
    count += 1;
    // Many events have their millisecond in common.
    const wholeMs = Math.trunc(atMs);
    if (wholeMs !== timeMs) {
      time = new Date(wholeMs).toISOString();
      timeMs = wholeMs;
    }
    return { id: `${prefix}.${count}`, time };
  };

  /** A sink that mints while it is written to would never end. */
  const exclusively = (deliver: () => void): void => {
    if (delivering || isInsideSink())
      throw new Error("an audit sink used agent keys while it was written to");
    delivering = true;
    try {
      deliver();
    } finally {
      delivering = false;
    }
  };

  const deliverOrKeep = (fact: Recordable, keep: (outlet: Outlet, at: Stamp) => void): void => {
    const at = stamp();
    for (const outlet of outlets) {
      try {
        exclusively(() => outlet.deliver(fact, at));
      } catch {
        // Not hidden: what is kept gates the next intent, which then throws the sink's own error.
        keep(outlet, at);
      }
    }
  };

  return {
    intent(fact, atMs) {
      const at = stamp(atMs);
      try {
        exclusively(() => outlets.forEach((outlet) => outlet.deliver(fact, at)));
      } catch (cause) {
        if (cause instanceof TypeError && cause.message.startsWith("audit[")) throw cause;
        throw new AgentKeyError("audit_unavailable", { cause });
      }
    },
    refusal: (fact) => deliverOrKeep(fact, (outlet, at) => outlet.keepIfRoom(fact, at)),
    outcome: (fact) => deliverOrKeep(fact, (outlet, at) => outlet.keep(fact, at)),
    open: () => outlets.forEach((outlet) => outlet.open()),
    read(filter) {
      const readable = outlets.find((outlet) => outlet.read !== undefined);
      return readable?.read?.(filter) ?? [];
    },
    flush: async () => {
      const flushOne = async (outlet: Outlet): Promise<void> => {
        exclusively(() => outlet.settle(stamp()));
        await outlet.flush();
      };
      try {
        await Promise.all(outlets.map(flushOne));
      } catch (cause) {
        throw new AgentKeyError("audit_unavailable", { cause });
      }
    },
  };
}

/** A clock that fails must not cost the record of what has already happened. */
function validMs(now: Clock): number {
  try {
    const ms = now();
    return Number.isFinite(ms) ? ms : Date.now();
  } catch {
    return Date.now();
  }
}
