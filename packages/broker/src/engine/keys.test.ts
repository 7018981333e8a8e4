import { createHmac, generateKeyPairSync } from "node:crypto";
import { createAgentKeys, type GrantInput, memorySink, memoryStore } from "@agent-keys/core";
import { expect, test } from "vitest";
import { AGENT, ISSUER, type Setup, setup } from "../../test/setup.ts";

/** The refusal, and that nothing was sent or announced. */
async function refusal(s: Setup, response: Response): Promise<readonly [number, string | null]> {
  expect(s.upstream.seen).toEqual([]);
  expect(s.of("request.allowed")).toEqual([]);
  const body = (await response.json()) as { code: string; error: { code: string } };
  expect(body.error.code).toBe(body.code);
  expect(response.headers.get("agent-keys-code")).toBe(body.code);
  return [response.status, body.code];
}

const from = (s: Setup, changes: Partial<Parameters<typeof createAgentKeys>[0]> = {}): string =>
  createAgentKeys({
    agent: AGENT,
    policy: "allow-all",
    signingKey: s.privateKey,
    issuer: ISSUER,
    audience: s.url,
    audit: memorySink(),
    ...changes,
  }).mint("tickets:read").token;

function confused(s: Setup): string {
  const [, payload = ""] = s.mint().split(".");
  const { x = "", kid } = s.keys.jwks().keys[0] ?? {};
  const header = { alg: "HS256", typ: "agent-key+jwt", kid };
  const signed = `${Buffer.from(JSON.stringify(header)).toString("base64url")}.${payload}`;
  const key = Buffer.from(x, "base64url");
  const mac = createHmac("sha512", key).update(signed).digest("base64url");
  return `${signed}.${mac}`;
}

test.each<readonly [string, (s: Setup) => string, number, string]>([
  ["an issuer nobody registered", (s) => from(s, { issuer: "https://evil" }), 401, "token_invalid"],
  ["another audience", (s) => from(s, { audience: "https://other" }), 401, "token_invalid"],
  [
    "another signing key",
    (s) => from(s, { signingKey: generateKeyPairSync("ed25519").privateKey }),
    401,
    "token_invalid",
  ],
  ["an agent that is not the issuer's", (s) => from(s, { agent: "root" }), 403, "policy_denied"],
  ["algorithm confusion", confused, 401, "token_invalid"],
  ["none", (s) => `${s.mint().split(".").slice(0, 2).join(".")}.`, 401, "token_invalid"],
  ["a re-encoded copy", (s) => `${s.mint()}=`, 401, "token_invalid"],
  ["no key", () => "", 401, "token_invalid"],
])("%s is refused", async (_name, key, status, code) => {
  await using s = await setup();
  const response = await s.ask("/tickets/tickets/1", { key: key(s) });
  expect(await refusal(s, response)).toEqual([status, code]);
  await s.close();
  expect(JSON.stringify(s.events)).not.toContain(key(s).slice(0, 40) || "eyJ");
});

test("a delegated key is refused when an agent of its chain is not the issuer's", async () => {
  await using s = await setup({ issuer: { agents: ["helper"] } });
  using parent = s.keys.mint("tickets:read");
  const { token } = s.keys.for({ agent: "helper", parent }).mint("tickets:read");
  const response = await s.ask("/tickets/tickets/1", { key: token });
  expect(await refusal(s, response)).toEqual([403, "policy_denied"]);
});

const RULE = { scope: "tickets:read", where: { ticketId: { prefix: "T-" } } };

test.each<readonly [string, GrantInput, string, number, string]>([
  ["what policy leaves out", "tickets:write", "/tickets/files/a", 403, "insufficient_scope"],
  ["what policy constrains", "tickets:read", "/tickets/tickets/X-1", 403, "policy_denied"],
  [
    "what the key constrains",
    { scope: "tickets:read", where: { ticketId: "T-2" } },
    "/tickets/tickets/T-1",
    403,
    "constraint_failed",
  ],
  ["an unknown route", "tickets:read", "/tickets/nothing", 404, "route_unknown"],
  ["an unknown service", "tickets:read", "/github/user", 404, "route_unknown"],
  ["a path that cannot be decoded", "tickets:read", "/tickets/files/%zz", 400, "request_invalid"],
])("%s is refused, and on record", async (_name, grants, path, status, code) => {
  await using s = await setup({ issuer: { policy: { [AGENT]: { allow: [RULE] } } } });
  const response = await s.ask(path, { key: s.mint(grants) });
  expect(await refusal(s, response)).toEqual([status, code]);
  const [line] = s.of("request.refused");
  expect(line).toMatchObject({ code, iss: ISSUER, agent: AGENT });
  expect(s.of("request.refused")).toHaveLength(1);
});

test("the policy at the broker narrows a key that was minted under none", async () => {
  await using s = await setup({ issuer: { policy: { [AGENT]: { allow: [RULE] } } } });
  expect((await s.ask("/tickets/tickets/T-1")).status).toBe(200);
  const [line] = s.of("request.allowed");
  expect(line?.grants).toEqual([RULE]);
});

test("a key is verified once, and asked for again at every request", async () => {
  const store = memoryStore();
  await using s = await setup({ broker: { store } });
  const key = s.keys.mint("tickets:read");
  const ask = (): Promise<Response> => s.ask("/tickets/tickets/1", { key: key.token });
  expect((await ask()).status).toBe(200);
  store.keys.close({ iss: ISSUER, id: key.id, expiresAtMs: key.expiresAt.getTime() });
  expect((await ask()).headers.get("agent-keys-code")).toBe("key_closed");
  await store.keys.revoke({ selector: { agent: AGENT }, atMs: Date.now() });
  expect((await ask()).headers.get("agent-keys-code")).toBe("key_revoked");
  expect(s.upstream.seen).toHaveLength(1);
});

test("a remembered key expires", async () => {
  let nowMs = Date.now();
  const now = (): number => nowMs;
  await using s = await setup({ broker: { now }, keys: { now } });
  const key = s.mint();
  expect((await s.ask("/tickets/tickets/1", { key })).status).toBe(200);
  nowMs += 13_000;
  const late = await s.ask("/tickets/tickets/1", { key });
  expect([late.status, late.headers.get("agent-keys-code")]).toEqual([401, "key_expired"]);
  expect(late.headers.get("www-authenticate")).toContain("Bearer");
  expect(s.upstream.seen).toHaveLength(1);
});

test("a store out of reach refuses", async () => {
  const store = memoryStore();
  const cut = {
    ...store,
    keys: {
      ...store.keys,
      stateOf: () => {
        throw new Error("down");
      },
    },
  };
  await using s = await setup({ broker: { store: cut } });
  const response = await s.ask("/tickets/tickets/1");
  expect(await refusal(s, response)).toEqual([503, "store_unavailable"]);
});

test("a key that may be used once is used once, however many ask at a time", async () => {
  await using s = await setup();
  const key = s.mint({ scope: "tickets:read", uses: 1 });
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => s.ask("/tickets/tickets/1", { key })),
  );
  const codes = answers.map((answer) => answer.headers.get("agent-keys-code"));
  expect(codes.filter((code) => code === null)).toHaveLength(1);
  expect(codes.filter((code) => code === "key_used_up")).toHaveLength(199);
  expect(s.upstream.seen).toHaveLength(1);
});

test("a use is given back when nothing could be sent, and spent when something was", async () => {
  await using s = await setup({ answer: (request) => void request.socket.destroy() });
  const key = s.mint({ scope: "tickets:read", uses: 1 });
  const broken = await s.ask("/tickets/tickets/1", { key });
  expect([broken.status, broken.headers.get("agent-keys-code")]).toEqual([
    502,
    "upstream_unavailable",
  ]);
  expect((await s.ask("/tickets/tickets/1", { key })).headers.get("agent-keys-code")).toBe(
    "key_used_up",
  );
  await s.upstream[Symbol.asyncDispose]();
  const other = s.mint({ scope: "tickets:read", uses: 1 });
  for (let at = 0; at < 3; at += 1) {
    const refused = await s.ask("/tickets/tickets/1", { key: other });
    expect(refused.headers.get("agent-keys-code")).toBe("upstream_unavailable");
  }
  expect(s.of("request.completed").map(({ status }) => status)).toEqual([0, 0, 0, 0]);
});

test("nothing is sent when it cannot be put on record, and the use is given back", async () => {
  let full = true;
  const audit = {
    write: () => {
      if (full) throw new Error("disk full");
    },
  };
  await using s = await setup({ broker: { audit } });
  const key = s.mint({ scope: "tickets:read", uses: 1 });
  const refused = await s.ask("/tickets/tickets/1", { key });
  expect([refused.status, refused.headers.get("agent-keys-code")]).toEqual([
    503,
    "audit_unavailable",
  ]);
  expect(s.upstream.seen).toEqual([]);
  full = false;
  expect((await s.ask("/tickets/tickets/1", { key })).status).toBe(200);
});

test("a secret that cannot be read refuses, and spends nothing", async () => {
  const secret = {
    name: "broken",
    read: (): Promise<never> => Promise.reject(new Error("the secret is hunter2-hunter2")),
  };
  await using s = await setup({ secret });
  const response = await s.ask("/tickets/tickets/1");
  expect(await refusal(s, response)).toEqual([503, "secret_unavailable"]);
  expect(JSON.stringify(s.events)).not.toContain("hunter2");
});

test("a key that closes while the secret is read sends nothing", async () => {
  const store = memoryStore();
  const reading = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<{ readonly value: string }>();
  const secret = {
    name: "slow",
    read: () => {
      reading.resolve();
      return answer.promise;
    },
  };
  await using s = await setup({ secret, broker: { store } });
  const key = s.keys.mint("tickets:read");
  const waiting = s.ask("/tickets/tickets/1", { key: key.token });
  await reading.promise;
  store.keys.close({ iss: ISSUER, id: key.id, expiresAtMs: key.expiresAt.getTime() });
  answer.resolve({ value: "a-secret-1234" });
  expect(await refusal(s, await waiting)).toEqual([401, "key_closed"]);
});
