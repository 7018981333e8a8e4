import { startChain, type SealedLine, type Stamp } from "./chain.ts";
import type { AuditEvent, AuditFact } from "./event.ts";
import type { LogFilter, Sink, SinkInput } from "./sink.ts";

/** One sink with its own chain, and what it still owes. */
export interface Outlet {
  /**
   * Writes what is owed, then the fact.
   *
   * @throws what the sink threw. The chain has not advanced past what was not written.
   */
  deliver(fact: AuditFact, stamp: Stamp): void;
  /** Keeps an outcome that could not be written. Bounded by the keys that were alive. */
  keep(fact: AuditFact, stamp: Stamp): void;
  /** Keeps a refusal that could not be written, unless too many wait already. */
  keepIfRoom(fact: AuditFact, stamp: Stamp): void;
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
  const owed: { fact: AuditFact; stamp: Stamp }[] = [];

  const write = (fact: AuditFact, stamp: Stamp): void => {
    const sealed = chain.seal(fact, stamp);
    const accepted: unknown = sink.write(sealed.event, sealed.line);
    if (isThenable(accepted)) {
      // Its rejection is answered here, or it would end the process as unhandled.
      accepted.then(undefined, () => undefined);
      throw promiseFromGatingSink(name);
    }
    chain.advance(sealed);
  };

  return {
    deliver(fact, stamp) {
      for (const [index, notice] of (sink.notices?.() ?? []).entries()) {
        write(notice, { ...stamp, id: `${stamp.id}.${index}` });
      }
      for (let next = owed[0]; next !== undefined; next = owed[0]) {
        write(next.fact, next.stamp);
        owed.shift();
      }
      write(fact, stamp);
    },
    keep: (fact, stamp) => void owed.push({ fact, stamp }),
    keepIfRoom(fact, stamp) {
      if (owed.length < REFUSALS_KEPT) owed.push({ fact, stamp });
    },
    flush: async () => sink.flush?.(),
    read: sink.read?.bind(sink),
  };
}

function optionalOutlet(sink: Sink, name: string): Outlet {
  const chain = startChain();
  const backlog: SealedLine[] = [];
  let pumping: Promise<void> | undefined;
  let warned = false;

  const lost = (why: string): void => {
    if (!warned) process.emitWarning(`${name}: optional sink ${why}; events are being lost`);
    warned = true;
  };
  const pump = async (): Promise<void> => {
    for (let next = backlog[0]; next !== undefined; next = backlog[0]) {
      try {
        // One after the other, so that an asynchronous sink sees them in order.
        await sink.write(next.event, next.line);
      } catch {
        lost("failed");
      }
      backlog.shift();
    }
    pumping = undefined;
  };

  return {
    deliver(fact, stamp) {
      if (backlog.length >= BACKLOG) return lost("lags");
      const sealed = chain.seal(fact, stamp);
      chain.advance(sealed);
      backlog.push(sealed);
      pumping ??= pump();
    },
    keep: () => undefined,
    keepIfRoom: () => undefined,
    flush: () =>
      within(FLUSH_MS, async () => {
        await pumping;
        await sink.flush?.();
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
