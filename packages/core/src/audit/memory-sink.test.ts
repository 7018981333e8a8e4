import { expect, test } from "vitest";
import { memorySink } from "./memory-sink.ts";
import { openAuditLog } from "./emitter.ts";
import { passes } from "./sink.ts";

const NOW = Date.UTC(2026, 0, 1);

function log() {
  const sink = memorySink();
  let now = NOW;
  const audit = openAuditLog([sink], () => now);
  const minted = (name: string, at: number) => {
    now = at;
    const tool = { name, framework: "test" };
    const common = { iss: "i", agent: "a", scopes: ["a:b"], grants: [{ scope: "a:b" }], tool };
    audit.outcome({
      type: "key.closed",
      ...common,
      keyId: `${name}-${at - NOW}`,
      outcome: "ok",
      durationMs: 1,
    });
  };
  return { sink, audit, minted };
}

const idsOf = (events: readonly object[]) =>
  events.map((event) => (event as { keyId: string }).keyId);

test("what is written is in events, oldest first, and is read by tool, time and number", () => {
  const { sink, minted } = log();
  minted("read", NOW);
  minted("reply", NOW + 1000);
  minted("read", NOW + 2000);
  expect(idsOf(sink.events)).toEqual(["read-0", "reply-1000", "read-2000"]);
  const read = (filter: object) => idsOf(sink.read?.(filter) ?? []);
  expect(read({})).toEqual(["read-0", "reply-1000", "read-2000"]);
  expect(read({ tool: "read" })).toEqual(["read-0", "read-2000"]);
  expect(read({ limit: 2 })).toEqual(["reply-1000", "read-2000"]);
  expect(read({ limit: 0 })).toEqual([]);
  expect(read({ tool: "read", limit: 1 })).toEqual(["read-2000"]);
  for (const since of [NOW + 1000, new Date(NOW + 1000), "2026-01-01T00:00:01.000Z"]) {
    expect(read({ since })).toEqual(["reply-1000", "read-2000"]);
  }
  expect(read({ since: NOW + 2001 })).toEqual([]);
});

test("1,000 are read when no limit is given", () => {
  const { sink, minted } = log();
  for (let i = 0; i < 1001; i += 1) minted("read", NOW + i);
  expect(idsOf(sink.read?.({}) ?? []).at(0)).toBe("read-1");
  expect(sink.read?.({ limit: Infinity })).toHaveLength(1001);
});

test("an event that is about no tool passes no tool's filter", () => {
  const { sink, audit } = log();
  audit.outcome({ type: "audit.opened", pid: 1 });
  expect(passes(sink.events[0]!, {})).toBe(true);
  expect(passes(sink.events[0]!, { tool: "read" })).toBe(false);
});
