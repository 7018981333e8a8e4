import { generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAgentKeys, memorySink, requireKey } from "@agent-keys/core";
import { wrapTools } from "@agent-keys/ai-sdk";
import { sqliteStore } from "@agent-keys/stores/sqlite";
import { tool } from "ai";
import { afterAll, expect, test } from "vitest";
import * as z from "zod";
import { ask } from "../ask.ts";
import { type InFront, openInFront } from "../in-front.ts";
import { AGENT, type Issuer, ISSUER, openIssuer } from "../issuer.ts";
import { openUpstream } from "../upstream.ts";
import { deliver, openSpy } from "./spy.ts";

const directory = mkdtempSync(join(tmpdir(), "agent-keys-notices-"));
afterAll(() => rmSync(directory, { recursive: true }));

const READ = { scope: "tickets:read", expiresIn: "5m" } as const;

async function codeFor(front: InFront, user: string): Promise<string | undefined> {
  const { token } = front.keys.for({ user }).mint(READ);
  return (await ask(`${front.url}/tickets/tickets/1`, token)).code;
}

test("a broker that hangs does not delay a tool, and hears of its keys later", async () => {
  let hanging = true;
  let letGo = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  await using spy = await openSpy(async () => {
    if (!hanging) return 200;
    await released;
    return 503;
  });
  const keys = openIssuer().keysAt(spy.url);
  const ids: string[] = [];
  const tools = wrapTools(
    { act: tool({ inputSchema: z.object({}), execute: () => ids.push(requireKey().id) }) },
    { keys, scopes: { act: READ } },
  );
  const first = spy.next();
  // Each of them ends while the broker has answered nothing, or this would never end.
  for (let call = 0; call < 100; call += 1) {
    await tools.act.execute?.({}, { toolCallId: `${call}`, messages: [], context: {} });
  }
  await first;
  expect(ids).toHaveLength(100);
  expect(spy.notices).toHaveLength(1);
  hanging = false;
  letGo();
  while (new Set(spy.closed.slice(1).flat()).size < 100) await spy.next();
  expect(new Set(spy.closed.slice(1).flat())).toEqual(new Set(ids));
});

test("what has expired before the broker can be told is not told", async () => {
  let nowMs = Date.now();
  let status = 503;
  await using spy = await openSpy(() => status);
  const keys = openIssuer().keysAt(spy.url, { now: () => nowMs });
  const [short, long] = [keys.mint({ ...READ, expiresIn: "10s" }), keys.mint(READ)];
  short.close();
  long.close();
  await spy.next();
  expect(spy.closed[0]).toEqual([short.id, long.id]);
  nowMs += 20_000;
  status = 200;
  // The attempt that failed may not be over yet.
  const toldLast = async (): Promise<unknown> => {
    await keys.flush();
    return spy.closed.at(-1);
  };
  await expect.poll(toldLast, { timeout: 10_000 }).toEqual([long.id]);
});

test("a broker that was down hears of a revocation by itself", async () => {
  await using upstream = await openUpstream();
  const issuer = openIssuer();
  const down = await openInFront(upstream.url, {}, issuer);
  const { url } = down;
  await down[Symbol.asyncDispose]();
  const keys = issuer.keysAt(url);
  await expect(keys.revoke({ user: "eve" })).rejects.toMatchObject({ code: "store_unavailable" });
  expect(() => keys.for({ user: "eve" }).mint(READ)).toThrow(
    expect.objectContaining({ code: "key_revoked" }),
  );
  await using front = await openInFront(upstream.url, { port: Number(new URL(url).port) }, issuer);
  await expect.poll(() => codeFor(front, "eve"), { timeout: 20_000 }).toBe("key_revoked");
});

test("a forged notice has no effect", async () => {
  await using upstream = await openUpstream();
  await using front = await openInFront(upstream.url);
  const { privateKey } = generateKeyPairSync("ed25519");
  const { kid = "" } = front.issuer.jwks.keys[0] ?? {};
  const iat = Math.floor(Date.now() / 1000);
  const good = { v: 1, iss: ISSUER, aud: front.url, iat, exp: iat + 30, jti: "forged-0" };
  const revoked = [{ selector: { user: "ada" } }];
  const header = { alg: "Ed25519", typ: "agent-key-notice+jwt", kid };
  const write = (claims: object, head: object = header, key = front.issuer.privateKey): string => {
    const part = (value: object): string =>
      Buffer.from(JSON.stringify(value)).toString("base64url");
    const text = `${part(head)}.${part(claims)}`;
    return `${text}.${sign(null, Buffer.from(text), key).toString("base64url")}`;
  };
  const unsigned = (text: string): string => `${text.split(".").slice(0, 2).join(".")}.`;
  const forged: readonly string[] = [
    write({ ...good, revoked }, header, privateKey),
    write({ ...good, revoked }, { ...header, alg: "none" }),
    unsigned(write({ ...good, revoked }, { ...header, alg: "none" })),
    write({ ...good, revoked }, { ...header, typ: "agent-key+jwt" }),
    write({ ...good, revoked }, { ...header, jku: "https://evil.example" }),
    write({ ...good, revoked, aud: "https://other.example" }),
    write({ ...good, revoked, iss: "https://other.example" }),
    write({ ...good, revoked, iat: iat - 120, exp: iat - 90 }),
    write({ ...good, revoked, exp: iat + 3_600 }),
    write({ ...good, revoked, iat: iat + 60, exp: iat + 90 }),
    write({ ...good, revoked, more: true }),
    write({ ...good, revoked: [{ selector: { issuer: "https://other.example" } }] }),
    write({ ...good, revoked: [{ selector: { user: "ada", agent: AGENT } }] }),
    write({ ...good, revoked: [{ selector: {} }] }),
    // A key is no notice, though the same issuer signed it.
    front.keys.mint(READ).token,
  ];
  const statuses: number[] = [];
  for (const notice of forged) {
    statuses.push(await deliver(front.url, notice));
    expect(await codeFor(front, "ada")).toBeUndefined();
  }
  expect(new Set(statuses)).toEqual(new Set([401]));
  expect(front.events.filter(({ type }) => type === "key.revoked")).toEqual([]);
  // What is not forged has one: nothing else was wrong with them.
  expect(
    await deliver(front.url, write({ ...good, revoked, jti: "honest-0".padEnd(22, "0") })),
  ).toBe(200);
  expect(await codeFor(front, "ada")).toBe("key_revoked");
});

test("another registered issuer's notice does not touch this one's keys", async () => {
  await using upstream = await openUpstream();
  const [issuer, other] = [openIssuer(), openIssuer()];
  const theirs = "https://other.example";
  const register = (jwks: Issuer["jwks"]) =>
    ({ jwks, agents: [AGENT], policy: "allow-all" }) as const;
  const issuers = { [ISSUER]: register(issuer.jwks), [theirs]: register(other.jwks) };
  await using front = await openInFront(upstream.url, { issuers }, issuer);
  const key = front.keys.mint(READ);
  const keys = createAgentKeys({
    agent: AGENT,
    policy: "allow-all",
    signingKey: other.privateKey,
    issuer: theirs,
    broker: front.url,
    audit: memorySink(),
  });
  await keys.revoke({ id: key.id });
  await keys.revoke({ agent: AGENT });
  await keys.revoke({ all: true });
  expect((await ask(`${front.url}/tickets/tickets/1`, key.token)).status).toBe(200);
  const own = keys.mint.bind(keys);
  expect(() => own(READ)).toThrow(expect.objectContaining({ code: "key_revoked" }));
});

test("nor at another broker on the same store", async () => {
  await using upstream = await openUpstream();
  const issuer = openIssuer();
  const path = join(directory, "shared.db");
  // Where all of them are said to be. Nothing listens there but who catches what is sent.
  await using spy = await openSpy();
  const { url, notices } = spy;
  const keys = issuer.keysAt(url);
  const [one, two] = [sqliteStore(path), sqliteStore(path)];
  await using first = await openInFront(upstream.url, { store: one, url }, issuer);
  await using second = await openInFront(upstream.url, { store: two, url }, issuer);
  const at = (front: InFront): string => `http://127.0.0.1:${front.port}`;
  await keys.revoke({ user: "eve" });
  await keys.restore({ user: "eve" });
  await keys.revoke({ user: "eve" });
  const [revoke = "", restore = "", again = ""] = notices;
  for (const notice of [revoke, restore, again]) {
    expect(await deliver(at(first), notice)).toBe(200);
  }
  expect(await deliver(at(second), restore)).toBe(401);
  for (const store of [one, two]) {
    expect(store.keys.revocations().map(({ selector }) => selector)).toEqual([{ user: "eve" }]);
    await store.close();
  }
});

test("a notice that was caught has no effect again: not later, and not after a restart", async () => {
  await using upstream = await openUpstream();
  const issuer = openIssuer();
  const revocationsFile = join(directory, "replayed.jsonl");
  // Where the broker will be, so that what is caught is meant for it.
  const spy = await openSpy();
  const { url, notices } = spy;
  const keys = issuer.keysAt(url);
  await keys.revoke({ user: "eve" });
  await keys.restore({ user: "eve" });
  await keys.revoke({ user: "eve" });
  const [revoke = "", restore = "", again = ""] = notices;
  await spy[Symbol.asyncDispose]();
  const port = Number(new URL(url).port);
  const first = await openInFront(upstream.url, { revocationsFile, port }, issuer);
  const replay = async (front: InFront): Promise<void> => {
    for (const notice of [revoke, restore, again]) {
      expect(await deliver(url, notice)).toBe(401);
      expect(await codeFor(front, "eve")).toBe("key_revoked");
    }
  };
  for (const notice of [revoke, restore, again]) expect(await deliver(url, notice)).toBe(200);
  await replay(first);
  await first[Symbol.asyncDispose]();
  await using second = await openInFront(upstream.url, { revocationsFile, port }, issuer);
  await replay(second);
});
