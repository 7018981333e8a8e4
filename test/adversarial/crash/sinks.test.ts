import { createAgentKeys, memorySink, type Sink } from "@agent-keys/core";
import { type AuditEvent, verifyChains } from "@agent-keys/core/audit";
import { expect, test } from "vitest";
import { attempt, bodies } from "./bodies.ts";

function keysWith(...audit: readonly (Sink | ((event: AuditEvent) => void))[]) {
  return createAgentKeys({ agent: "bot", policy: "allow-all", audit });
}

async function timed<T>(run: () => Promise<T>): Promise<readonly [T, number]> {
  const started = performance.now();
  const result = await run();
  return [result, performance.now() - started];
}

// 1: never accepts. 2: takes an intent and not the outcome. 3 and up: everything falls somewhere.
test.each([1, 2, 3, 4, 5, 7, 11])(
  "a sink that throws every %ith time: no body without its intent, no result changed by an outcome",
  async (nth) => {
    const accepted: AuditEvent[] = [];
    const lines: string[] = [];
    let writes = 0;
    let broken = true;
    const keys = keysWith({
      write(event, line) {
        writes += 1;
        if (broken && writes % nth === 0) throw new Error("ENOSPC");
        accepted.push(event);
        lines.push(`${line}\n`);
      },
    });
    const onRecord: boolean[] = [];
    const all = bodies(keys, (keyId) => {
      onRecord.push(accepted.some((event) => event.type === "key.minted" && event.keyId === keyId));
    });
    let done = 0;
    let refused = 0;
    for (let call = 0; call < 90; call += 1) {
      const body = all[call % all.length]!;
      const before = body.ran;
      const came = await attempt(async () => await body.run(`${call}`));
      const ran = body.ran - before;
      expect([came, ran]).toEqual(ran === 1 ? [`answer ${call}`, 1] : ["audit_unavailable", 0]);
      if (ran === 1) done += 1;
      else refused += 1;
    }
    expect(onRecord).toEqual(Array.from({ length: done }, () => true));
    expect(refused).toBeGreaterThan(0);
    expect(done > 0).toBe(nth > 1);
    broken = false;
    await keys.flush();
    await keys.withAgentKey("tickets:read", () => undefined);
    const count = (type: string) => accepted.filter((event) => event.type === type).length;
    expect(count("key.denied")).toBe(refused);
    expect(count("key.closed")).toBe(done + 1);
    const report = verifyChains([{ name: "lines", chunks: [Buffer.from(lines.join(""))] }]);
    expect(report).toMatchObject({ damageCount: 0, noteCount: 0, writers: 1 });
  },
);

test("one sink of two that throws: the other has each denial on record, and no body runs", async () => {
  const other = memorySink();
  const keys = keysWith(other, () => {
    throw new Error("down");
  });
  for (const body of bodies(keys)) {
    expect(await attempt(async () => await body.run("x"))).toBe("audit_unavailable");
    expect(body.ran).toBe(0);
  }
  const minted = other.events.flatMap((event) => (event.type === "key.minted" ? event.keyId : []));
  const denied = other.events.flatMap((event) => (event.type === "key.denied" ? event.keyId : []));
  expect(denied).toEqual(minted);
});

test("a sink that fails while a body runs: the result stands, and the next call is refused", async () => {
  let broken = false;
  const sink = memorySink();
  const keys = keysWith({
    write(event, line) {
      if (broken) throw new Error("ENOSPC");
      return sink.write(event, line);
    },
  });
  for (const body of bodies(keys, () => {
    broken = true;
  })) {
    expect(await attempt(async () => await body.run("x"))).toBe("answer x");
    expect(await attempt(async () => await body.run("y"))).toBe("audit_unavailable");
    expect(body.ran).toBe(1);
    broken = false;
    await keys.flush();
  }
  expect(sink.events.filter(({ type }) => type === "key.closed")).toHaveLength(3);
});

test("a gating sink that blocks is waited for twice a call, and no longer", async () => {
  const blockMs = 60;
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  let writes = 0;
  const keys = keysWith(() => {
    writes += 1;
    Atomics.wait(sleeper, 0, 0, blockMs);
  });
  for (const body of bodies(keys)) {
    writes = 0;
    const [came, ms] = await timed(async () => await attempt(async () => await body.run("x")));
    expect([came, writes]).toEqual(["answer x", 2]);
    expect(ms).toBeGreaterThan(2 * blockMs - 5);
    expect(ms).toBeLessThan(2 * blockMs + 1_000);
  }
});

test("a gating sink that returns a promise which never settles is a mistake that is said at once", async () => {
  const never = (): Promise<void> => new Promise(() => undefined);
  const keys = keysWith({ write: () => never() });
  for (const body of bodies(keys)) {
    const [came, ms] = await timed(async () => await attempt(async () => await body.run("x")));
    expect(came).toBeInstanceOf(TypeError);
    expect(body.ran).toBe(0);
    expect(ms).toBeLessThan(1_000);
  }
});

test("an optional sink that never settles holds up nothing, keeps a bounded backlog, and ends flush after 5 s", async () => {
  let writes = 0;
  const stuck: Sink = {
    optional: true,
    write: () => {
      writes += 1;
      return new Promise(() => undefined);
    },
    flush: () => new Promise(() => undefined),
  };
  const record = memorySink();
  const keys = keysWith(record, stuck);
  const [came, ms] = await timed(async () => {
    const results: unknown[] = [];
    for (let call = 0; call < 600; call += 1) {
      for (const body of bodies(keys)) results.push(await body.run(`${call}`));
    }
    return results;
  });
  expect(came).toHaveLength(1_800);
  expect(new Set(came).size).toBe(600);
  expect(ms).toBeLessThan(20_000);
  expect(writes).toBe(1);
  expect(record.events.filter(({ type }) => type === "key.closed")).toHaveLength(1_800);
  const [, flushMs] = await timed(async () => await keys.flush());
  expect(flushMs).toBeGreaterThan(4_500);
  expect(flushMs).toBeLessThan(7_000);
});
