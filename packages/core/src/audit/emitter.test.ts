import { describe, expect, test } from "vitest";
import { AgentKeyError } from "../errors.ts";
import type { AgentKeys } from "../agent-keys.ts";
import { createAgentKeys } from "../agent-keys.ts";
import type { AuditEvent } from "./event.ts";
import { memorySink } from "./memory-sink.ts";
import type { Sink, SinkInput } from "./sink.ts";

function keysOver(...audit: SinkInput[]): AgentKeys {
  return createAgentKeys({ agent: "bot", policy: "allow-all", audit });
}

/** A sink that works until it is broken, and again when it is mended. */
function fragileSink(): Sink & { events: AuditEvent[]; broken: boolean; attempts: number } {
  const sink = {
    events: [] as AuditEvent[],
    broken: false,
    attempts: 0,
    write(event: AuditEvent) {
      sink.attempts += 1;
      if (sink.broken) throw new Error("ENOSPC");
      sink.events.push(event);
    },
  };
  return sink;
}

const typesOf = (events: readonly AuditEvent[]) => events.map(({ type }) => type);

function codeOf(run: () => unknown): string {
  try {
    run();
    return "done";
  } catch (error) {
    if (!(error instanceof AgentKeyError)) throw error;
    return error.code;
  }
}

/** Every line of a sink is the next of one writer's chain. */
function expectOneChain(events: readonly AuditEvent[]): void {
  expect(new Set(events.map(({ writer }) => writer)).size).toBe(1);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index));
  expect(events.slice(1).map(({ prev }) => prev)).toEqual(
    events.slice(0, -1).map(({ hash }) => hash),
  );
}

describe("intents gate:", () => {
  test("a sink that throws stops the key, and the body never ran", async () => {
    const sink = fragileSink();
    const keys = keysOver(sink);
    sink.broken = true;
    let ran = false;
    const error: unknown = await keys
      .withAgentKey("a:b", () => {
        ran = true;
      })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "audit_unavailable",
      message: "The audit record cannot be written, so nothing may happen.",
      retryable: true,
      cause: new Error("ENOSPC"),
    });
    expect(ran).toBe(false);
    expect(sink.events).toEqual([]);
  });

  test("what another sink has announced by then is taken back there, by the key's id", () => {
    const [first, second, third] = [fragileSink(), fragileSink(), fragileSink()];
    const keys = keysOver(first, second, third);
    second.broken = true;
    expect(codeOf(() => keys.mint("a:b"))).toBe("audit_unavailable");
    expect(typesOf(first.events)).toEqual(["key.minted", "key.denied"]);
    const [minted, denied] = first.events as [AuditEvent & { keyId: string }, AuditEvent];
    expect(denied).toMatchObject({ code: "audit_unavailable", keyId: minted.keyId });
    expect(typesOf(third.events)).toEqual(["key.denied"]);
    second.broken = false;
    expect(codeOf(() => keys.mint("a:b"))).toBe("done");
    expect(typesOf(second.events)).toEqual(["key.denied", "key.minted"]);
    for (const sink of [first, second, third]) expectOneChain(sink.events);
  });

  test("what is thrown need not be an error", () => {
    const keys = keysOver(() => {
      // oxlint-disable-next-line only-throw-error
      throw undefined;
    });
    expect(codeOf(() => keys.mint("a:b"))).toBe("audit_unavailable");
  });

  test("an event has one id in every sink, and a place in each sink's own chain", () => {
    const [one, two] = [memorySink(), memorySink()];
    const keys = keysOver(one, two);
    keys.mint("a:b").close();
    expect(one.events.map(({ id }) => id)).toEqual(two.events.map(({ id }) => id));
    expect(one.events[0]?.writer).not.toBe(two.events[0]?.writer);
    for (const sink of [one, two]) expectOneChain(sink.events);
  });
});

describe("outcomes:", () => {
  test("one that cannot be written changes no result, gates, and is written first when it can be", async () => {
    const sink = fragileSink();
    const keys = keysOver(sink);
    const result = await keys.withAgentKey("a:b", () => {
      sink.broken = true;
      return "result";
    });
    expect(result).toBe("result");
    expect(codeOf(() => keys.mint("a:c"))).toBe("audit_unavailable");
    expect(typesOf(sink.events)).toEqual(["key.minted"]);
    sink.broken = false;
    expect(codeOf(() => keys.mint("a:d"))).toBe("done");
    expect(typesOf(sink.events)).toEqual(["key.minted", "key.closed", "key.denied", "key.minted"]);
    expectOneChain(sink.events);
  });

  test("an error stays the error that it was", async () => {
    const sink = fragileSink();
    const keys = keysOver(sink);
    const failed = keys.withAgentKey("a:b", () => {
      sink.broken = true;
      throw new Error("body");
    });
    await expect(failed).rejects.toThrow("body");
  });

  test("what is owed keeps the time it happened at, and none is lost however many there are", () => {
    const sink = fragileSink();
    let now = Date.UTC(2026, 0, 1);
    const keys = createAgentKeys({ agent: "b", policy: "allow-all", audit: sink, now: () => now });
    const open = Array.from({ length: 2500 }, () => keys.mint("a:b"));
    sink.broken = true;
    for (const key of open) key.close();
    sink.broken = false;
    now += 5000;
    keys.mint("a:b");
    const closed = sink.events.filter(({ type }) => type === "key.closed");
    expect(closed).toHaveLength(2500);
    expect(new Set(closed.map(({ time }) => time))).toEqual(new Set(["2026-01-01T00:00:00.000Z"]));
    expectOneChain(sink.events);
  });

  test("a sink that works for a while takes what is owed in order, without a gap or a repeat", () => {
    const sink = fragileSink();
    const keys = keysOver(sink);
    const open = Array.from({ length: 10 }, () => keys.mint("a:b"));
    sink.broken = true;
    for (const key of open) key.close();
    let left = 4;
    sink.write = (event) => {
      if (left === 0) throw new Error("ENOSPC");
      left -= 1;
      sink.events.push(event);
    };
    sink.broken = false;
    expect(codeOf(() => keys.mint("a:b"))).toBe("audit_unavailable");
    left = 100;
    keys.mint("a:b");
    const closed = sink.events.flatMap((event) =>
      event.type === "key.closed" ? [event.keyId] : [],
    );
    expect(closed).toEqual(open.map(({ id }) => id));
    expectOneChain(sink.events);
  });

  test("flush writes what is owed, or says that it cannot", async () => {
    const sink = fragileSink();
    const keys = keysOver(sink);
    const key = keys.mint("a:b");
    sink.broken = true;
    key.close();
    await expect(keys.flush()).rejects.toMatchObject({ code: "audit_unavailable" });
    sink.broken = false;
    await keys.flush();
    expect(typesOf(sink.events)).toEqual(["key.minted", "key.closed"]);
    await keys.flush();
    expect(sink.events).toHaveLength(2);
  });
});

describe("refusals:", () => {
  test("stand without a record, and no more than 1,000 are kept for it", () => {
    const sink = fragileSink();
    const keys = keysOver(sink);
    sink.broken = true;
    for (let i = 0; i < 1500; i += 1) expect(codeOf(() => keys.mint("*"))).toBe("scope_invalid");
    sink.broken = false;
    keys.mint("a:b");
    expect(sink.events).toHaveLength(1001);
    expectOneChain(sink.events);
  });

  test("that are kept never push out an outcome", () => {
    const sink = fragileSink();
    const keys = keysOver(sink);
    const key = keys.mint("a:b");
    sink.broken = true;
    for (let i = 0; i < 1500; i += 1) codeOf(() => keys.mint("*"));
    key.close();
    sink.broken = false;
    keys.mint("a:b");
    expect(typesOf(sink.events)).toContain("key.closed");
  });
});

describe("a sink that uses agent keys while it is written to", () => {
  test("is refused, and does not go round for ever", () => {
    const codes: string[] = [];
    const events: AuditEvent[] = [];
    const keys: AgentKeys = keysOver((event) => {
      events.push(event);
      if (events.length > 100) throw new Error("round and round");
      codes.push(codeOf(() => keys.mint("a:nested")));
    });
    keys.mint("a:b");
    expect(typesOf(events)).toEqual(["key.minted"]);
    keys.mint("a:c");
    expect(typesOf(events)).toEqual(["key.minted", "key.denied", "key.minted"]);
    expect(new Set(codes)).toEqual(new Set(["audit_unavailable"]));
    expectOneChain(events);
  });

  test("may revoke: that takes effect at once, and is on record with the next event", async () => {
    const sink = memorySink();
    const keys: AgentKeys = keysOver(sink, (event) => {
      if (event.type === "key.denied" && event.code === "scope_invalid")
        void keys.revoke({ agent: "bot" });
    });
    codeOf(() => keys.mint("*"));
    expect(codeOf(() => keys.mint("a:b"))).toBe("key_revoked");
    await keys.flush();
    expect(typesOf(sink.events)).toEqual(["key.denied", "key.revoked", "key.denied"]);
    expectOneChain(sink.events);
  });
});

test("a sink that fails once does not stop the others' outcomes", () => {
  const [one, two] = [fragileSink(), fragileSink()];
  const keys = keysOver(one, two);
  const key = keys.mint("a:b");
  one.broken = true;
  key.close();
  expect(typesOf(two.events)).toEqual(["key.minted", "key.closed"]);
});
