import { once } from "node:events";
import { appendFileSync, chmodSync, mkdtempSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AgentKeyError,
  type AgentKeys,
  createAgentKeys,
  memorySink,
  memoryStore,
  type Store,
} from "@agent-keys/core";
import { expect, test } from "vitest";
import { AGENT, ISSUER, openStream, type Setup, setup } from "../../test/setup.ts";
import { openRevocationsFile } from "./revocations-file.ts";

function agentSide(s: Setup, issuer = ISSUER): AgentKeys {
  return createAgentKeys({
    agent: AGENT,
    policy: "allow-all",
    signingKey: s.privateKey,
    issuer,
    broker: s.url,
    audit: memorySink(),
  });
}

async function codeOf(s: Setup, key: string): Promise<string | null> {
  return (await s.ask("/tickets/tickets/1", { key })).headers.get("agent-keys-code");
}

test("a key that closes is refused by the broker, and forgotten", async () => {
  await using s = await setup();
  const keys = agentSide(s);
  const key = keys.mint("tickets:read");
  expect(await codeOf(s, key.token)).toBeNull();
  key.close();
  await keys.flush();
  expect(await codeOf(s, key.token)).toBe("key_closed");
  expect(s.upstream.seen).toHaveLength(1);
});

test("what an issuer revokes is refused until restored, and on record", async () => {
  await using s = await setup();
  const keys = agentSide(s);
  const { token } = keys.mint("tickets:read");
  await keys.revoke({ agent: AGENT }, { reason: "lost", by: "ada" });
  expect(await codeOf(s, token)).toBe("key_revoked");
  await keys.restore({ agent: AGENT }, { by: "ada" });
  expect(await codeOf(s, token)).toBeNull();
  expect(s.of("key.revoked")).toMatchObject([
    { iss: ISSUER, selector: { agent: AGENT }, reason: "lost", by: "ada" },
  ]);
  expect(s.of("key.restored")).toMatchObject([{ iss: ISSUER, by: "ada" }]);
});

test("on record is what took effect: revoked when a store could not be told; restored when it was lifted", async () => {
  const { keys: view, uses } = memoryStore();
  const unreached = new AgentKeyError("store_unavailable");
  let reached = true;
  // One that cannot tell others now: it keeps its word on what stands, as every store.
  const store: Store = {
    uses,
    keys: {
      ...view,
      revoke: async (revocation) => {
        await view.revoke(revocation);
        if (!reached) throw unreached;
      },
      restore: async (selector, iss) => {
        if (!reached) throw unreached;
        return view.restore(selector, iss);
      },
    },
  };
  await using s = await setup({ broker: { store } });
  const keys = agentSide(s);
  const { token } = keys.mint("tickets:read");
  await keys.revoke({ user: "ada" });
  reached = false;
  const failure = { code: "store_unavailable" };
  await expect(keys.restore({ user: "ada" })).rejects.toMatchObject(failure);
  await expect(keys.revoke({ agent: AGENT }, { reason: "lost" })).rejects.toMatchObject(failure);
  expect(await codeOf(s, token)).toBe("key_revoked");
  expect(s.of("key.restored")).toEqual([]);
  expect(s.of("key.revoked")).toMatchObject([
    { selector: { user: "ada" } },
    { selector: { agent: AGENT }, reason: "lost" },
  ]);
  reached = true;
  await keys.flush();
  await keys.restore({ agent: AGENT });
  // Nothing of the kind stands.
  await keys.restore({ agent: AGENT });
  expect(s.of("key.restored")).toMatchObject([{ selector: { agent: AGENT } }]);
  expect(await codeOf(s, token)).toBeNull();
});

test("`all` are all of that issuer's, and nobody else's", async () => {
  const other = "https://other.example";
  await using s = await setup();
  const jwks = s.keys.jwks();
  const registered = { jwks, agents: [AGENT], policy: "allow-all" } as const;
  await using t = await setup({
    broker: { issuers: { [ISSUER]: registered, [other]: registered } },
  });
  const side = (issuer: string): AgentKeys =>
    createAgentKeys({
      agent: AGENT,
      policy: "allow-all",
      signingKey: s.privateKey,
      issuer,
      broker: t.url,
      audit: memorySink(),
    });
  const mine = side(ISSUER).mint("tickets:read").token;
  const theirs = side(other).mint("tickets:read").token;
  await side(ISSUER).revoke({ all: true });
  expect(await codeOf(t, mine)).toBe("key_revoked");
  expect(await codeOf(t, theirs)).toBeNull();
});

test("a notice is taken once, and only from who is registered", async () => {
  const notices: string[] = [];
  await using s = await setup();
  const post = async (body: string): Promise<number> => {
    const answer = await fetch(`${s.url}/.agent-keys/notices`, { method: "POST", body });
    await answer.text();
    return answer.status;
  };
  await using spy = await setup({
    answer: (_request, response) => response.end("{}"),
    service: { scopes: { read: ["GET /x"] } },
  });
  // Caught on its way: signed for the broker, sent to somebody else first.
  const caught = fetch;
  globalThis.fetch = async (input, init) => {
    if (input instanceof URL && typeof init?.body === "string") notices.push(init.body);
    return caught(input, init);
  };
  try {
    await agentSide(s).revoke({ txn: "run-1" });
  } finally {
    globalThis.fetch = caught;
  }
  expect(spy.upstream.seen).toEqual([]);
  expect(notices).toHaveLength(1);
  const [notice = ""] = notices;
  expect(await post(notice)).toBe(401);
  expect(await post(notice.replace(/.{4}"}$/, 'AAAA"}'))).toBe(401);
  expect(await post("{}")).toBe(401);
  expect(await post("not json")).toBe(400);
  expect(await post(`{"notice":"${"a".repeat(400_000)}"}`)).toBe(413);
  await expect(agentSide(s, "https://stranger.example").revoke({ txn: "x" })).rejects.toThrow(
    expect.objectContaining({ code: "store_unavailable" }),
  );
});

test.each(["close", "revoke"] as const)("an answer under way is cut by a %s", async (how) => {
  await using s = await setup({
    answer: (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: 1\n\n");
    },
  });
  const keys = agentSide(s);
  const key = keys.mint("tickets:read");
  const { response } = await openStream(s.url, "/tickets/tickets/1", key.token);
  await once(response, "data");
  const ended = once(response, "error");
  const startedMs = performance.now();
  if (how === "close") key.close();
  else await keys.revoke({ id: key.id });
  await ended;
  expect(performance.now() - startedMs).toBeLessThan(1_000);
  expect(response.complete).toBe(false);
});

test("an answer under way is cut when another process revokes through the store, or time is over", async () => {
  const store = memoryStore();
  await using s = await setup({
    broker: { store, limits: { totalMs: 1_500 } },
    answer: (_request, response) => {
      response.writeHead(200);
      response.write("x");
    },
  });
  const open = async (): Promise<{ readonly ended: Promise<unknown> }> => {
    const key = s.mint({ scope: "tickets:read", expiresIn: "5m" });
    const { response } = await openStream(s.url, "/tickets/tickets/1", key);
    await once(response, "data");
    return { ended: once(response, "error") };
  };
  const first = await open();
  const second = await open();
  await store.keys.revoke({ selector: { all: true }, atMs: Date.now() });
  await Promise.all([first.ended, second.ended]);
  await store.keys.restore({ all: true });
  const startedMs = performance.now();
  await (
    await open()
  ).ended;
  expect(performance.now() - startedMs).toBeGreaterThan(1_000);
});

test("revocations outlive the broker", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "revocations-")), "revocations.jsonl");
  const { token, privateKey } = await (async () => {
    await using s = await setup({ broker: { revocationsFile: path } });
    const keys = agentSide(s);
    await keys.revoke({ user: "eve" });
    await keys.revoke({ user: "bob" });
    await keys.restore({ user: "bob" });
    return { token: s.mint(), privateKey: s.privateKey };
  })();
  expect(token).not.toBe("");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await using s = await setup({ broker: { revocationsFile: path } });
  expect(privateKey).not.toBe(s.privateKey);
  const mint = (user: string): string => s.keys.for({ user }).mint("tickets:read").token;
  expect(await codeOf(s, mint("eve"))).toBe("key_revoked");
  expect(await codeOf(s, mint("bob"))).toBeNull();
});

test("a torn last line was never acknowledged; any other damage stops the broker", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "revocations-")), "revocations.jsonl");
  const revocation = { selector: { user: "eve" }, iss: ISSUER, atMs: 1 };
  const open = async (): Promise<number> => {
    const store = memoryStore();
    const file = openRevocationsFile(path, store);
    await file.append([{ act: "revoke", revocation, notice: { jti: "a", exp: 31 } }]);
    await file.close();
    return store.keys.revocations().length;
  };
  expect(await open()).toBe(0);
  appendFileSync(path, '{"act":"revo');
  expect(await open()).toBe(1);
  expect(await open()).toBe(1);
  appendFileSync(path, "damaged\n");
  await expect(open()).rejects.toThrow(/revocations\.jsonl:5 is damaged/);
  expect(readFileSync(path, "utf8")).toContain("#torn\n");
  chmodSync(path, 0o644);
  await expect(open()).rejects.toThrow("open to group or others");
});
