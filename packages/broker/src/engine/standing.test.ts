import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AgentKey,
  type AgentKeys,
  createAgentKeys,
  memorySink,
  memoryStore,
  type RevocationSelector,
} from "@agent-keys/core";
import { expect, test } from "vitest";
import { AGENT, ISSUER, type Setup, setup } from "../../test/setup.ts";
import type { Limits } from "./limits.ts";
import { minuteBudget } from "./minute-budget.ts";
import { countStanding } from "./standing.ts";

const OTHER = "https://other.example";

async function withTwoIssuers(
  file?: string,
  limits: Partial<Limits> = { revocations: 3 },
): Promise<{ s: Setup; side: (iss: string) => AgentKeys }> {
  const from = await setup();
  const registered = { jwks: from.keys.jwks(), agents: [AGENT], policy: "allow-all" } as const;
  await from[Symbol.asyncDispose]();
  const issuers = { [ISSUER]: registered, [OTHER]: registered };
  const s = await setup({
    broker: { issuers, limits, revocationsFile: file },
    keys: { signingKey: from.privateKey },
  });
  const side = (issuer: string): AgentKeys =>
    createAgentKeys({
      agent: AGENT,
      policy: "allow-all",
      signingKey: from.privateKey,
      issuer,
      broker: s.url,
      audit: memorySink(),
    });
  return { s, side };
}

async function codeFor(s: Setup, keys: AgentKeys, user: string): Promise<string | null> {
  const { token } = keys.for({ user }).mint("tickets:read");
  return (await s.ask("/tickets/tickets/1", { key: token })).headers.get("agent-keys-code");
}

const refused = expect.objectContaining({ code: "store_unavailable" }) as Error;

test("an issuer has so many revocations and no more, but for all of its keys", async () => {
  const { s, side } = await withTwoIssuers();
  await using _ = s;
  const minter = side(ISSUER);
  for (const user of ["u1", "u2", "u3"]) await side(ISSUER).revoke({ user });
  // One that stands already is no other.
  await side(ISSUER).revoke({ user: "u3" }, { reason: "again" });
  await expect(side(ISSUER).revoke({ user: "u4" })).rejects.toThrow(refused);
  expect(await codeFor(s, minter, "u3")).toBe("key_revoked");
  expect(await codeFor(s, minter, "u4")).toBeNull();
  expect(s.of("request.refused")).toContainEqual(
    expect.objectContaining({ code: "limit_exceeded" }),
  );
  await side(OTHER).revoke({ user: "u4" });
  await side(ISSUER).restore({ user: "u1" });
  await side(ISSUER).revoke({ user: "u4" });
  expect(await codeFor(s, minter, "u4")).toBe("key_revoked");
  expect(await codeFor(s, minter, "u1")).toBeNull();
  await side(ISSUER).revoke({ all: true });
  expect(await codeFor(s, minter, "u1")).toBe("key_revoked");
  await side(ISSUER).revoke({ issuer: ISSUER });
  expect(s.of("key.revoked").at(-1)).toMatchObject({ selector: { issuer: ISSUER } });
});

test("a notice that says too much has no effect, but for what revokes everything", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "standing-")), "revocations.jsonl");
  const { s, side } = await withTwoIssuers(path);
  await using _ = s;
  const minter = side(ISSUER);
  const tell = async (selectors: readonly RevocationSelector[]): Promise<readonly string[]> => {
    // Those of one moment go in one notice.
    const keys = side(ISSUER);
    const told = await Promise.allSettled(selectors.map((selector) => keys.revoke(selector)));
    return told.map(({ status }) => status);
  };
  const four = ["u1", "u2", "u3", "u4"].map((user) => ({ user }));
  expect(await tell(four)).toEqual(four.map(() => "rejected"));
  expect(await codeFor(s, minter, "u1")).toBeNull();
  expect(await tell([...four, { all: true }])).toEqual([...four, 0].map(() => "rejected"));
  expect(await codeFor(s, minter, "u0")).toBe("key_revoked");
  const lines = readFileSync(path, "utf8").trim().split("\n");
  const selectors = lines.map((line) => (JSON.parse(line) as { selector: object }).selector);
  expect(selectors).toEqual([{ all: true }]);
});

test("who is at the limit is counted once a second, and at once when something was lifted", async () => {
  const store = memoryStore();
  let asked = 0;
  let nowMs = 0;
  const keys = {
    revocations: () => {
      asked += 1;
      return store.keys.revocations();
    },
  };
  const standing = countStanding(keys, 2, () => nowMs);
  const take = (user: string): boolean => {
    const taken = standing.take(ISSUER, [{ user }]);
    if (taken) void store.keys.revoke({ selector: { user }, iss: ISSUER, atMs: 0 });
    return taken;
  };
  expect([take("a"), take("b")]).toEqual([true, true]);
  for (let at = 0; at < 1_000; at += 1) expect(take("c")).toBe(false);
  expect(asked).toBe(2);
  nowMs += 1_000;
  expect(take("c")).toBe(false);
  expect(asked).toBe(3);
  await store.keys.restore({ user: "a" }, ISSUER);
  standing.lifted(ISSUER);
  expect(take("c")).toBe(true);
  // Another issuer's are not counted.
  expect(standing.take(OTHER, [{ user: "a" }, { user: "b" }])).toBe(true);
});

test("a notice that revokes nothing is never too much, also of who has more than there is room for", async () => {
  const store = memoryStore();
  for (const user of ["a", "b"]) {
    await store.keys.revoke({ selector: { user }, iss: ISSUER, atMs: 0 });
  }
  let asked = 0;
  const revocations: typeof store.keys.revocations = () => {
    asked += 1;
    return store.keys.revocations();
  };
  // By its own clock too it counts once a second.
  const standing = countStanding({ revocations }, 1);
  standing.lifted(ISSUER);
  expect(standing.take(ISSUER, [])).toBe(true);
  for (let at = 0; at < 1_000; at += 1) {
    expect(standing.take(ISSUER, [{ user: "c" }])).toBe(false);
    expect(standing.take(ISSUER, [])).toBe(true);
  }
  expect(asked).toBeLessThan(100);
});

test("an issuer revokes and restores so often in a minute, and everything at any time", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "acts-")), "revocations.jsonl");
  await using s = await setup({
    broker: { limits: { actsPerMinute: 4 }, revocationsFile: path },
  });
  const side = (): AgentKeys =>
    createAgentKeys({
      agent: AGENT,
      policy: "allow-all",
      signingKey: s.privateKey,
      issuer: ISSUER,
      broker: s.url,
      audit: memorySink(),
    });
  const lines = (): number => readFileSync(path, "utf8").trim().split("\n").length;
  const minter = side();
  for (let at = 0; at < 2; at += 1) {
    await side().revoke({ user: "u1" });
    await side().restore({ user: "u1" });
  }
  await expect(side().revoke({ user: "u1" })).rejects.toThrow(refused);
  expect(s.of("request.refused")).toContainEqual(
    expect.objectContaining({ code: "limit_exceeded" }),
  );
  expect(await codeFor(s, minter, "u1")).toBeNull();
  expect(lines()).toBe(4);
  await side().revoke({ all: true });
  expect(await codeFor(s, minter, "u1")).toBe("key_revoked");
  // It stands: what is said again is not written again, and not lifted either.
  await side().revoke({ all: true });
  await expect(side().restore({ all: true })).rejects.toThrow(refused);
  expect(await codeFor(s, minter, "u1")).toBe("key_revoked");
  expect(lines()).toBe(5);
});

test("what stands but was never written down is not said to be, however often it is told", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "acts-")), "revocations.jsonl");
  const { s, side } = await withTwoIssuers(path, { actsPerMinute: 1 });
  await using _ = s;
  await side(ISSUER).revoke({ user: "u1" });
  rmSync(path);
  for (let at = 0; at < 2; at += 1) {
    await expect(side(ISSUER).revoke({ all: true })).rejects.toThrow(refused);
  }
  expect(await codeFor(s, side(ISSUER), "u2")).toBe("key_revoked");
});

test("an issuer closes so many keys in a minute, and still revokes", async () => {
  await using s = await setup({ broker: { limits: { closesPerMinute: 2 } } });
  const keys = createAgentKeys({
    agent: AGENT,
    policy: "allow-all",
    signingKey: s.privateKey,
    issuer: ISSUER,
    broker: s.url,
    audit: memorySink(),
  });
  const codeOf = async (token: string): Promise<string | null> =>
    (await s.ask("/tickets/tickets/1", { key: token })).headers.get("agent-keys-code");
  const [a, b, c] = [1, 2, 3].map(() => keys.mint("tickets:read")) as [
    AgentKey,
    AgentKey,
    AgentKey,
  ];
  a.close();
  b.close();
  await keys.flush();
  c.close();
  await keys.flush();
  expect([await codeOf(a.token), await codeOf(b.token)]).toEqual(["key_closed", "key_closed"]);
  expect(await codeOf(c.token)).toBeNull();
  expect(s.of("request.refused")).toContainEqual(
    expect.objectContaining({ code: "limit_exceeded" }),
  );
  await keys.revoke({ agent: AGENT });
  expect(await codeOf(c.token)).toBe("key_revoked");
});

test("a minute later there is room again, and another issuer always had it", () => {
  let nowMs = 0;
  const hasRoom = minuteBudget(10, () => nowMs);
  expect([hasRoom("a", 10), hasRoom("a", 1), hasRoom("b", 10), hasRoom("a", 0)]).toEqual([
    true,
    false,
    true,
    true,
  ]);
  nowMs = 59_999;
  expect(hasRoom("a", 1)).toBe(false);
  nowMs = 60_000;
  expect(hasRoom("a", 10)).toBe(true);
});
