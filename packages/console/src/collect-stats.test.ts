import { createAgentKeys, memorySink } from "@agent-keys/core";
import type { AuditEvent } from "@agent-keys/core/audit";
import { expect, test } from "vitest";
import { type Stats, statsCollector } from "./collect-stats.ts";

import type { Filter } from "./filter.ts";

function collectStats(newestFirst: Iterable<AuditEvent>, filter: Filter): Stats {
  const collector = statsCollector(filter);
  for (const event of newestFirst) collector.add(event);
  return collector.stats();
}

const ALL: Filter = { agents: [], users: [], tools: [], scopes: [], types: [], outcomes: [] };

function record(): readonly AuditEvent[] {
  const sink = memorySink();
  const keys = createAgentKeys({ agent: "bot", policy: "allow-all", audit: sink });
  for (let call = 0; call < 20; call += 1) keys.mint("a:b").close();
  keys.mint(["a:b", "c:d"]).close("error");
  keys.mint("c:d").close("cancelled");
  keys.mint("c:d");
  return sink.events.map((event, index) =>
    event.type === "key.closed" ? { ...event, durationMs: index + 1 } : event,
  );
}

const events = record();
const newestFirst = events.toReversed();

test("a call counts once, however many events it has", () => {
  const { total, agents } = collectStats(newestFirst, ALL);
  expect(total).toMatchObject({ calls: 23, ok: 20, errors: 1, cancelled: 1, open: 1, denied: 0 });
  expect(agents).toHaveLength(1);
});

test("a call with several scopes counts for each", () => {
  const { scopes } = collectStats(newestFirst, ALL);
  expect(scopes.map(({ name, calls }) => [name, calls])).toEqual([
    ["a:b", 21],
    ["c:d", 3],
  ]);
});

test("percentiles are durations that occurred, by nearest rank", () => {
  // The durations of the ok calls are 2, 4, 6, … 40.
  const ok = collectStats(newestFirst, { ...ALL, outcomes: ["ok"] }).total;
  expect(ok).toMatchObject({ calls: 20, p50Ms: 20, p95Ms: 38 });
  const none = collectStats([], ALL).total;
  expect(none).toMatchObject({ calls: 0, p50Ms: null, p95Ms: null });
});

test("an end whose beginning is outside the filter is a call all the same", () => {
  const [last] = newestFirst.filter(({ type }) => type === "key.closed");
  expect(collectStats([last!], ALL).total).toMatchObject({ calls: 1, cancelled: 1 });
});

test("a mint that another sink could not record is denied, and not open", () => {
  const sink = memorySink();
  let isFull = true;
  const keys = createAgentKeys({
    agent: "bot",
    policy: "allow-all",
    audit: [
      sink,
      () => {
        if (isFull) throw new Error("full");
      },
    ],
  });
  expect(() => keys.mint("a:b")).toThrow("audit");
  isFull = false;
  expect(sink.events.map(({ type }) => type)).toEqual(["key.minted", "key.denied"]);
  const { total, codes } = collectStats(sink.events.toReversed(), ALL);
  expect(total).toMatchObject({ calls: 1, denied: 1, open: 0 });
  expect(codes).toEqual([{ code: "audit_unavailable", count: 1 }]);
});

test("a tool called __proto__ is a tool", () => {
  const [event] = newestFirst.filter(({ type }) => type === "key.closed");
  const tool = { name: "__proto__", framework: "x" };
  const { tools } = collectStats([{ ...event!, tool } as AuditEvent], ALL);
  expect(tools).toMatchObject([{ name: "__proto__", calls: 1 }]);
});
