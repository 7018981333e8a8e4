import { AsyncLocalStorage } from "node:async_hooks";
import { startChain, type SealedLine, type Stamp } from "./chain.ts";
import type { AuditEvent } from "./event.ts";
import type { Recordable } from "./fact.ts";
import { insideSink } from "./inside-sink.ts";
import type { LogFilter, Sink, SinkInput } from "./sink.ts";
import { lineWriterOf } from "./takes-lines.ts";

/** One sink with its own chain, and what it still owes. */
export interface Outlet {
  /**
   * Writes what is owed, then the fact.
   *
   * @throws what the sink threw. The chain has not advanced past what was not written.
   */
  deliver(fact: Recordable, stamp: Stamp): void;
  /** Keeps an outcome that could not be written. Bounded by the keys that were alive. */
  keep(fact: Recordable, stamp: Stamp): void;
  /** Keeps a refusal that could not be written, unless too many wait already. */
  keepIfRoom(fact: Recordable, stamp: Stamp): void;
  /**
   * Writes what is owed, if anything is.
   *
   * @throws what the sink threw.
   */
  settle(stamp: Stamp): void;
  /** @throws what the sink threw that cannot take events. */
  open(): void;
  flush(): Promise<void>;
  readonly read: ((filter: LogFilter) => readonly AuditEvent[]) | undefined;
}

const REFUSALS_KEPT = 1_000;
const BACKLOG = 1_000;
const FLUSH_MS = 5_000;

/**
 * Opens a sink.
 *
 * @param name - What an error calls it: `audit[0]`.
 * @throws TypeError when it is not a sink.
 */
export function openOutlet(input: SinkInput, name: string): Outlet {
  const sink: Sink = typeof input === "function" ? { write: input } : input;
  if (typeof sink !== "object" || sink === null || typeof sink.write !== "function") {
    throw new TypeError(`${name}: a sink is a function or has a write(event) method`);
  }
  if (sink.optional === true) return optionalOutlet(sink, name);
  if (isAsync(Reflect.get(sink, "write"))) throw promiseFromGatingSink(name);
  return gatingOutlet(sink, name);
}

function gatingOutlet(sink: Sink, name: string): Outlet {
  const chain = startChain();
  const owed: { fact: Recordable; stamp: Stamp }[] = [];

  let noticed = 0;

  const accept = (sealed: SealedLine, fact: Recordable): void => {
    const writeLine = lineWriterOf(sink);
    if (writeLine !== undefined) {
      writeLine(sealed.line, fact);
      return chain.advance(sealed);
    }
    const accepted: unknown = sink.write(sealed.event(), sealed.line);
    if (isThenable(accepted)) {
      // Its rejection is answered here, or it would end the process as unhandled.
      accepted.then(undefined, () => undefined);
      throw promiseFromGatingSink(name);
    }
    chain.advance(sealed);
  };

  /** Writes a fact behind what the sink itself has to say first, under the stamp of now. */
  const write = (fact: Recordable, stamp: Stamp, now: Stamp): void => {
    const sealed = chain.seal(fact, stamp);
    const notices = sink.notices?.(sealed.line) ?? [];
    if (notices.length === 0) return accept(sealed, fact);
    // Owed like the rest, so that a notice is not lost when the sink fails right after it.
    const first = notices.map((notice, index) => ({
      fact: notice,
      stamp: { ...now, id: `${now.id}.${noticed + index}` },
    }));
    noticed += first.length;
    owed.unshift(...first);
    for (const notice of first) {
      accept(chain.seal(notice.fact, notice.stamp), notice.fact);
      owed.shift();
    }
    accept(chain.seal(fact, stamp), fact);
  };

  /** Writes what waits now. What a sink adds while it is written to waits for the next time. */
  const settle = (now: Stamp): void => {
    for (const { fact, stamp } of owed.slice()) {
      write(fact, stamp, now);
      owed.shift();
    }
  };

  return {
    deliver(fact, stamp) {
      noticed = 0;
      settle(stamp);
      write(fact, stamp, stamp);
    },
    keep: (fact, stamp) => void owed.push({ fact, stamp }),
    keepIfRoom(fact, stamp) {
      if (owed.length < REFUSALS_KEPT) owed.push({ fact, stamp });
    },
    settle(stamp) {
      noticed = 0;
      if (owed.length > 0) settle(stamp);
    },
    open: () => sink.open?.(),
    flush: async () => sink.flush?.(),
    read: sink.read?.bind(sink),
  };
}

/** Runs something in the asynchronous context that an event came from. */
type Context = ReturnType<typeof AsyncLocalStorage.snapshot>;

function optionalOutlet(sink: Sink, name: string): Outlet {
  const chain = startChain();
  const backlog: { event: AuditEvent; line: string; where: Context }[] = [];
  let pumping = false;
  let pumped: Promise<void> = Promise.resolve();
  let warned = false;

  const lost = (why: string): void => {
    if (!warned) process.emitWarning(`${name}: optional sink ${why}; events are being lost`);
    warned = true;
  };
  const pump = async (): Promise<void> => {
    pumping = true;
    for (let next = backlog[0]; next !== undefined; next = backlog[0]) {
      const { event, line, where } = next;
      try {
        // One after the other, so that an asynchronous sink sees them in order, and each where it
        // happened: a sink that traces looks at what is active there.
        await where(() => insideSink(() => sink.write(event, line)));
      } catch {
        lost("failed");
      }
      backlog.shift();
    }
    pumping = false;
  };

  return {
    deliver(fact, stamp) {
      // What is lost is missing from the chain as well, so that a reader of it can tell.
      const sealed = chain.seal(fact, stamp);
      chain.advance(sealed);
      if (backlog.length >= BACKLOG) return lost("lags");
      backlog.push({
        event: sealed.event(),
        line: sealed.line,
        where: AsyncLocalStorage.snapshot(),
      });
      if (!pumping) pumped = pump();
    },
    keep: () => undefined,
    keepIfRoom: () => undefined,
    settle: () => undefined,
    open: () => undefined,
    flush: () =>
      within(FLUSH_MS, async () => {
        await pumped;
        try {
          await sink.flush?.();
        } catch {
          lost("could not be flushed");
        }
      }),
    read: sink.read?.bind(sink),
  };
}

async function within(ms: number, work: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await Promise.race([work(), deadline]);
  } finally {
    clearTimeout(timer);
  }
}

function promiseFromGatingSink(name: string): TypeError {
  return new TypeError(
    `${name}: a gating sink must be synchronous; mark it optional: true to let it return a promise`,
  );
}

function isAsync(value: unknown): boolean {
  return typeof value === "function" && value.constructor.name === "AsyncFunction";
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}
