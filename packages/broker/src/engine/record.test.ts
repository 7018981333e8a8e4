import { createSecretKey, randomBytes } from "node:crypto";
import { AgentKeyError, type AuditEventOf, memorySink, memoryStore } from "@agent-keys/core";
import { type Claims, openAuditLog } from "@agent-keys/core/enforce";
import { expect, test } from "vitest";
import { type Setup, setup } from "../../test/setup.ts";
import { openRequestLog } from "./record.ts";
import { asRefused } from "./refusal.ts";

async function refusedTimes(s: Setup, key: string, times: number): Promise<void> {
  const ask = async (): Promise<void> => {
    const answer = await s.ask("/tickets/tickets/1", { key });
    expect(answer.headers.get("agent-keys-code")).not.toBeNull();
    await answer.body?.cancel();
  };
  for (let at = 0; at < times; at += 50) {
    await Promise.all(Array.from({ length: Math.min(50, times - at) }, ask));
  }
}

const total = (lines: readonly AuditEventOf<"request.refused">[]): number =>
  lines.reduce((sum, { count = 1 }) => sum + count, 0);

test("a key that is dead is refused as often as it comes, and written down some times", async () => {
  const store = memoryStore();
  await using s = await setup({ broker: { store } });
  const dead = s.keys.mint("tickets:read");
  const also = s.keys.mint("tickets:read");
  for (const { id } of [dead, also])
    await store.keys.revoke({ selector: { id }, atMs: Date.now() });
  const startedMs = performance.now();
  await refusedTimes(s, dead.token, 400);
  await refusedTimes(s, also.token, 5);
  await s.close();
  const seconds = Math.ceil((performance.now() - startedMs) / 1000);
  const lines = s.of("request.refused").filter(({ keyId }) => keyId === dead.id);
  expect(lines.length).toBeLessThanOrEqual(10 + seconds + 1);
  expect(lines.slice(0, 10).every(({ count }) => count === undefined)).toBe(true);
  expect(total(lines)).toBe(400);
  expect(lines.at(-1)).toMatchObject({ code: "key_revoked", route: "", keyId: dead.id });
  const others = s.of("request.refused").filter(({ keyId }) => keyId === also.id);
  expect(others.map(({ count }) => count)).toEqual(Array(5).fill(undefined));
  expect(s.upstream.seen).toEqual([]);
});

test("a key that was remembered and has expired is refused like any that nobody knows", async () => {
  let nowMs = Date.now();
  const now = (): number => nowMs;
  await using s = await setup({ broker: { now }, keys: { now } });
  const key = s.mint();
  expect((await s.ask("/tickets/tickets/1", { key })).status).toBe(200);
  nowMs += 60_000;
  await refusedTimes(s, key, 100);
  await s.close();
  const lines = s.of("request.refused");
  expect(lines.length).toBeLessThan(10);
  expect(total(lines)).toBe(100);
  expect(new Set(lines.map(({ code }) => code))).toEqual(new Set(["key_expired"]));
});

test("what is told apart is bounded, and what is counted is written before it is dropped", async () => {
  await using s = await setup();
  const sink = memorySink();
  const audit = openAuditLog([sink], Date.now);
  const auditKey = createSecretKey(randomBytes(32));
  const log = openRequestLog(audit, { redact: new Set(), auditKey }, () => 0);
  const why = asRefused(new AgentKeyError("key_closed"), "key");
  const target = { service: "", method: "GET", route: "" };
  const [, payload = ""] = s.mint().split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Claims;
  const refuse = (jti: string): void => log.refused({ ...claims, jti }, [], target, why);
  for (let at = 0; at < 25; at += 1) refuse("first");
  expect(sink.events).toHaveLength(10);
  for (let at = 0; at < 5_000; at += 1) refuse(`key-${at}`);
  const dropped = sink.events.filter((event) => "count" in event);
  expect(dropped).toMatchObject([{ keyId: "first", count: 15 }]);
  refuse("first");
  expect(sink.events.at(-1)).toMatchObject({ keyId: "first" });
  expect(sink.events.at(-1)).not.toHaveProperty("count");
  log.settle();
});
