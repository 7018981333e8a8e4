import { expect, test, vi } from "vitest";
import { memorySink } from "../audit/memory-sink.ts";
import { internalsOf } from "../internals.ts";
import { testKeys } from "./index.ts";

test("everything is allowed, recorded in memory, and silent", async () => {
  const print = vi.spyOn(process.stderr, "write");
  const keys = testKeys();
  await keys.withAgentKey("tickets:read", () => "done");
  expect(keys.events.map(({ type }) => type)).toEqual(["key.minted", "key.closed"]);
  expect(keys.events[0]).toMatchObject({ agent: "test-agent", time: "2026-01-01T00:00:00.000Z" });
  expect(print).not.toHaveBeenCalled();
  print.mockRestore();
});

test("the clock moves only when it is told to, by as much as one likes", async () => {
  const keys = testKeys();
  const key = keys.mint("tickets:read");
  keys.clock.advance("11s");
  await expect(keys.verify(key.token)).resolves.toMatchObject({ id: key.id });
  keys.clock.advance(1);
  await expect(keys.verify(key.token)).rejects.toMatchObject({ code: "key_expired" });
  keys.clock.advance("120m");
  expect(keys.clock.now()).toBe(Date.UTC(2026, 0, 1, 2, 0, 12));
  for (const by of ["-1s", "1h", 0, Number.NaN]) {
    expect(() => keys.clock.advance(by as never)).toThrow(TypeError);
  }
});

test("uses are counted on the same clock", async () => {
  const keys = testKeys();
  const { token } = keys.mint({ scope: "tickets:reply", uses: 1 });
  const admission = { request: { scope: "tickets:reply" }, consume: true };
  await keys.verify(token, admission);
  await expect(keys.verify(token, admission)).rejects.toMatchObject({ code: "key_used_up" });
});

test("policy and everything else may be one's own; sinks come beside the events", () => {
  const other = memorySink();
  const keys = testKeys({ policy: { bot: { allow: [] } }, agent: "bot", audit: [other] });
  expect(() => keys.mint("tickets:read")).toThrow(
    expect.objectContaining({ code: "policy_denied" }),
  );
  expect(keys.events.map(({ type }) => type)).toEqual(["key.denied"]);
  expect(other.events.map(({ id }) => id)).toEqual(keys.events.map(({ id }) => id));
  expect(() => testKeys({ audit: () => undefined }).mint("tickets:read")).not.toThrow();
});

test("two sets of keys share nothing", async () => {
  const [one, two] = [testKeys(), testKeys()];
  const { token } = one.mint("tickets:read");
  await expect(two.verify(token)).rejects.toMatchObject({ code: "token_invalid" });
  expect(two.events).toEqual([]);
});

test("a wrapper takes them for what they are", () => {
  expect(internalsOf(testKeys()).agent).toBe("test-agent");
  expect(internalsOf(testKeys().for({ agent: "other" })).agent).toBe("other");
});

test("the environment's broker is not told of a test's keys; one that is given is used", () => {
  vi.stubEnv("AGENT_KEYS_BROKER", "https://broker.example");
  expect(internalsOf(testKeys()).issuer.broker).toBeUndefined();
  const given = internalsOf(testKeys({ broker: "https://other.example" })).issuer;
  expect([given.audience, given.broker?.reach.origin]).toEqual(
    Array(2).fill("https://other.example"),
  );
  vi.unstubAllEnvs();
});
