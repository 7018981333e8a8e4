import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createAgentKeys } from "../agent-keys.ts";
import type { AuditEvent, AuditFact } from "./event.ts";
import { memorySink } from "./memory-sink.ts";
import { openOutlet } from "./outlet.ts";
import type { Sink, SinkInput } from "./sink.ts";
import { takesLines } from "./takes-lines.ts";

const FACT: AuditFact = { type: "audit.opened", pid: 1 };
const stamp = (id: string) => ({ id, time: "2026-01-01T00:00:00.000Z" });

const keysOver = (...audit: SinkInput[]) =>
  createAgentKeys({ agent: "bot", policy: "allow-all", audit });

describe("a promise from a gating sink is a TypeError:", () => {
  const gating = "audit[0]: a gating sink must be synchronous";

  test("for an asynchronous function, when it is opened", () => {
    const sinks = [async () => undefined, { write: async () => undefined }] as const;
    for (const sink of sinks as unknown as readonly SinkInput[]) {
      expect(() => keysOver(sink)).toThrow(gating);
      expect(() => openOutlet(sink, "audit[0]")).toThrow(TypeError);
    }
  });

  test("for a method of a class as well", () => {
    class Remote implements Sink {
      async write(): Promise<void> {
        await wait(1);
      }
    }
    expect(() => keysOver(new Remote())).toThrow(gating);
  });

  test("for any thenable, at the first write: no key, no body, and the other sinks are told", async () => {
    const other = memorySink();
    const keys = keysOver(other, { write: () => Promise.reject(new Error("remote")) });
    let ran = false;
    const run = keys.withAgentKey("a:b", () => {
      ran = true;
    });
    await expect(run).rejects.toThrow(/^audit\[1\]: a gating sink must be synchronous/);
    expect(ran).toBe(false);
    expect(other.events).toMatchObject([
      { type: "key.minted" },
      {
        type: "key.denied",
        code: "audit_unavailable",
        keyId: (other.events[0] as { keyId?: string }).keyId,
      },
    ]);
  });
});

test("what is no sink is a TypeError", () => {
  for (const sink of [null, undefined, "audit.jsonl", {}, { write: 1 }, []]) {
    expect(() => openOutlet(sink as never, "audit[2]")).toThrow(
      new TypeError("audit[2]: a sink is a function or has a write(event) method"),
    );
  }
});

describe("a gating sink", () => {
  test("gets the event and its exact line", () => {
    const written: [AuditEvent, string][] = [];
    const outlet = openOutlet(
      { write: (event, line) => void written.push([event, line]) },
      "audit[0]",
    );
    outlet.deliver(FACT, stamp("1"));
    expect(written[0]?.[1]).toBe(JSON.stringify(written[0]?.[0]));
  });

  test("that is a method keeps its `this`", () => {
    class Buffered {
      readonly lines: string[] = [];
      flushed = 0;
      write(_event: AuditEvent, line: string): void {
        this.lines.push(line);
      }
      flush(): void {
        this.flushed += 1;
      }
      read(): readonly AuditEvent[] {
        return this.lines.map((line) => JSON.parse(line) as AuditEvent);
      }
    }
    const sink = new Buffered();
    const outlet = openOutlet(sink, "audit[0]");
    outlet.deliver(FACT, stamp("1"));
    void outlet.flush();
    expect(outlet.read?.({})).toHaveLength(1);
    expect(sink.flushed).toBe(1);
  });

  test("has its notices written first, each under an id of its own, and owes them when it fails", () => {
    const events: AuditEvent[] = [];
    let notices: AuditFact[] = [
      { type: "audit.opened", pid: 1 },
      { type: "audit.repaired", atByte: 7 },
    ];
    let broken = true;
    const sink: Sink = {
      notices: () => notices.splice(0),
      write(event) {
        if (broken) throw new Error("ENOSPC");
        events.push(event);
      },
    };
    const outlet = openOutlet(sink, "audit[0]");
    expect(() => outlet.deliver(FACT, stamp("a"))).toThrow("ENOSPC");
    broken = false;
    notices = [{ type: "audit.rotated", from: "x" }];
    outlet.deliver(FACT, stamp("b"));
    expect(events.map(({ id, type }) => [id, type])).toEqual([
      ["b.0", "audit.rotated"],
      ["a.0", "audit.opened"],
      ["a.1", "audit.repaired"],
      ["b", "audit.opened"],
    ]);
    expect(events.map(({ seq }) => seq)).toEqual([0, 1, 2, 3]);
  });
});

describe("an optional sink", () => {
  test("is written to where each event happened, however late that is", async () => {
    const where = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const sink: Sink = {
      optional: true,
      write: async () => {
        await wait(1);
        seen.push(where.getStore());
      },
    };
    const keys = keysOver(sink);
    for (const name of ["one", "two", "three"]) {
      where.run(name, () => keys.mint("a:b"));
    }
    await keys.flush();
    expect(seen).toEqual(["one", "two", "three"]);
  });

  const warnings: string[] = [];
  const onWarning = (warning: Error) => void warnings.push(warning.message);
  beforeEach(() => {
    warnings.length = 0;
    process.on("warning", onWarning);
  });
  afterEach(() => {
    process.off("warning", onWarning);
    vi.useRealTimers();
  });
  /** Warnings are emitted on the next tick. */
  const settled = async () => {
    await wait(0);
    return warnings;
  };

  test("may be asynchronous, and gets every event in order", async () => {
    const seen: number[] = [];
    const keys = keysOver({
      optional: true,
      async write(event) {
        await wait(event.seq % 3);
        seen.push(event.seq);
      },
    });
    for (let i = 0; i < 20; i += 1) keys.mint("a:b").close();
    expect(seen).toEqual([]);
    await keys.flush();
    expect(seen).toEqual(Array.from({ length: 40 }, (_, index) => index));
    expect(await settled()).toEqual([]);
  });

  test("that throws or rejects stops nothing, is warned of once, and gets what comes later", async () => {
    for (const failure of ["throws", "rejects"]) {
      warnings.length = 0;
      const seen: number[] = [];
      const fail = (): Promise<void> => {
        if (failure === "throws") throw new Error("remote canary");
        return Promise.reject(new Error("remote canary"));
      };
      const keys = keysOver({
        optional: true,
        write: (event) => (event.seq < 2 ? fail() : void seen.push(event.seq)),
      });
      keys.mint("a:b").close();
      await keys.flush();
      keys.mint("a:b").close();
      await keys.flush();
      expect(seen).toEqual([2, 3]);
      expect(await settled()).toEqual(["audit[0]: optional sink failed; events are being lost"]);
    }
  });

  test("that is stuck holds 1,000 events and no more, and hangs no flush", async () => {
    let writes = 0;
    const keys = keysOver({
      optional: true,
      write: () => {
        writes += 1;
        return new Promise(() => undefined);
      },
    });
    for (let i = 0; i < 1200; i += 1) keys.mint("a:b");
    expect(await settled()).toEqual(["audit[0]: optional sink lags; events are being lost"]);
    vi.useFakeTimers();
    const flushed = keys.flush();
    await vi.advanceTimersByTimeAsync(4_999);
    const waiting = Promise.resolve("waiting");
    expect(await Promise.race([flushed.then(() => "flushed"), waiting])).toBe("waiting");
    await vi.advanceTimersByTimeAsync(1);
    await flushed;
    expect(writes).toBe(1);
  });

  test("that comes back from its lag goes on, and its chain shows the gap", async () => {
    const seen: AuditEvent[] = [];
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const keys = keysOver({
      optional: true,
      async write(event) {
        await gate;
        seen.push(event);
      },
    });
    for (let i = 0; i < 1200; i += 1) keys.mint("a:b");
    release();
    await keys.flush();
    keys.mint("a:last");
    await keys.flush();
    expect(seen).toHaveLength(1001);
    expect(seen.at(-1)).toMatchObject({ scopes: ["a:last"], seq: 1200 });
    await settled();
  });

  test("whose flush fails or hangs does not fail or hang ours", async () => {
    const keys = keysOver({
      optional: true,
      write: () => undefined,
      flush: () => Promise.reject(new Error("x")),
    });
    await expect(keys.flush()).resolves.toBeUndefined();
    expect(await settled()).toEqual([
      "audit[0]: optional sink could not be flushed; events are being lost",
    ]);
    vi.useFakeTimers();
    const hanging = keysOver({
      optional: true,
      write: () => undefined,
      flush: () => new Promise(() => undefined),
    });
    const flushed = hanging.flush();
    await vi.advanceTimersByTimeAsync(5_000);
    await expect(flushed).resolves.toBeUndefined();
  });

  test("can be read", async () => {
    const keys = keysOver({ ...memorySink(), optional: true });
    keys.mint("a:b");
    await keys.flush();
    expect(await keys.logs()).toHaveLength(1);
  });
});

test("a sink that only takes lines is given none around a write that somebody put before it", () => {
  const lines: string[] = [];
  const inner: Sink = { write: takesLines((line) => lines.push(line)) };
  const seen: AuditEvent[] = [];
  const write: Sink["write"] = (event, line) => {
    seen.push(event);
    if (event.type !== "key.closed") void inner.write(event, line);
  };
  for (const sink of [inner, { ...inner, write }]) {
    keysOver(sink).mint("a:b").close();
  }
  const told = lines.map((line) => JSON.parse(line) as AuditEvent);
  expect(told.map(({ type }) => type)).toEqual(["key.minted", "key.closed", "key.minted"]);
  expect(seen.map(({ type }) => type)).toEqual(["key.minted", "key.closed"]);
  expect(seen[0]).toStrictEqual(told[2]);
});
