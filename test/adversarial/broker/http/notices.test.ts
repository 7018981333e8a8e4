import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { createAgentKeys, memorySink } from "@agent-keys/core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { AGENT, ISSUER, openStand, type Stand } from "./stand.ts";

const OTHER = "https://others.example";

let stand: Stand;
let theirs: KeyObject;
let ours: KeyObject;
let token: string;
let kids: Readonly<Record<string, unknown>>;
let keyId: string;

const minter = (signingKey: KeyObject, issuer: string, audience: string) =>
  createAgentKeys({
    agent: AGENT,
    policy: "allow-all",
    signingKey,
    issuer,
    audience,
    audit: memorySink(),
  });

beforeAll(async () => {
  [ours, theirs] = [
    generateKeyPairSync("ed25519").privateKey,
    generateKeyPairSync("ed25519").privateKey,
  ];
  const of = (key: KeyObject, iss: string) => ({
    jwks: minter(key, iss, "https://x.example").jwks(),
    agents: [AGENT],
    policy: "allow-all" as const,
  });
  stand = await openStand({
    broker: { issuers: { [ISSUER]: of(ours, ISSUER), [OTHER]: of(theirs, OTHER) } },
  });
  kids = Object.fromEntries(
    [ours, theirs].map((key, at) => [
      at,
      minter(key, ISSUER, "https://x.example").jwks().keys[0]?.kid,
    ]),
  );
});
afterAll(() => stand[Symbol.asyncDispose]());
beforeEach(() => {
  const key = minter(ours, ISSUER, stand.url).mint({ scope: "hub:any", expiresIn: "5m" });
  [token, keyId] = [key.token, key.id];
});

interface Forged {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly by?: "ours" | "theirs" | "nobody";
}

function forge({ claims = {}, header = {}, by = "ours" }: Forged): string {
  const key =
    by === "ours" ? ours : by === "theirs" ? theirs : generateKeyPairSync("ed25519").privateKey;
  const iat = Date.now() / 1000;
  const body = {
    v: 1,
    iss: by === "theirs" ? OTHER : ISSUER,
    aud: stand.url,
    iat,
    exp: iat + 30,
    jti: randomBytes(16).toString("base64url"),
    ...claims,
  };
  const head = {
    alg: "Ed25519",
    typ: "agent-key-notice+jwt",
    kid: kids[by === "theirs" ? 1 : 0],
    ...header,
  };
  const signed = [head, body]
    .map((one) => Buffer.from(JSON.stringify(one)).toString("base64url"))
    .join(".");
  return `${signed}.${sign(null, Buffer.from(signed), key).toString("base64url")}`;
}

async function post(body: string, method = "POST"): Promise<number> {
  const { statuses } = await stand.ask("/.agent-keys/notices", { method, key: "", body });
  return statuses[0] ?? 0;
}

const send = (forged: Forged): Promise<number> => post(JSON.stringify({ notice: forge(forged) }));
const served = async (): Promise<number> =>
  (await stand.ask("/hub/a", { key: token })).statuses[0] ?? 0;

test("what a good notice does", async () => {
  expect(await served()).toBe(200);
  const exp = Date.now() / 1000 + 60;
  expect(await send({ claims: { closed: [{ id: keyId, exp }] } })).toBe(200);
  expect(await served()).toBe(401);
});

const REVOKED = { revoked: [{ selector: { agent: AGENT } }] };

test.each<readonly [string, Forged]>([
  ["signed by nobody", { by: "nobody", claims: REVOKED }],
  ["of another issuer in this one's name", { by: "theirs", claims: { ...REVOKED, iss: ISSUER } }],
  [
    "of another issuer under this one's kid",
    { by: "theirs", claims: { ...REVOKED, iss: ISSUER }, header: { kid: "KID" } },
  ],
  ["of an issuer that nobody knows", { claims: { ...REVOKED, iss: "https://nobody.example" } }],
  ["of the issuer __proto__", { claims: { ...REVOKED, iss: "__proto__" } }],
  [
    "that revokes another issuer",
    { by: "theirs", claims: { revoked: [{ selector: { issuer: ISSUER } }] } },
  ],
  ["for another broker", { claims: { ...REVOKED, aud: "https://broker-b.example" } }],
  [
    "from yesterday",
    { claims: { ...REVOKED, iat: Date.now() / 1000 - 86_400, exp: Date.now() / 1000 - 86_370 } },
  ],
  [
    "from tomorrow",
    { claims: { ...REVOKED, iat: Date.now() / 1000 + 86_400, exp: Date.now() / 1000 + 86_430 } },
  ],
  ["that is good for a day", { claims: { ...REVOKED, exp: Date.now() / 1000 + 86_400 } }],
  ["of the type of a key", { claims: REVOKED, header: { typ: "agent-key+jwt" } }],
  ["without a signature", { claims: REVOKED, header: { alg: "none" } }],
  ["with a key of its own", { claims: REVOKED, header: { jwk: { kty: "OKP" } } }],
  ["with a member that nobody knows", { claims: { ...REVOKED, sudo: true } }],
  ["with a selector that nobody knows", { claims: { revoked: [{ selector: { __proto__x: 1 } }] } }],
  [
    "with two selectors in one",
    { claims: { revoked: [{ selector: { agent: AGENT, user: "u" } }] } },
  ],
  [
    "with too many acts",
    {
      claims: {
        revoked: Array.from({ length: 101 }, (_, at) => ({ selector: { user: `u${at}` } })),
      },
    },
  ],
])("a notice %s has no effect", async (_how, forged) => {
  const kid = forged.header?.["kid"] === "KID" ? { header: { kid: kids[0] } } : {};
  expect(await send({ ...forged, ...kid })).toBe(401);
  expect(await served()).toBe(200);
});

test("another issuer's `all`, and its close of this one's key, are of its own", async () => {
  const exp = Date.now() / 1000 + 60;
  expect(
    await send({
      by: "theirs",
      claims: {
        closed: [{ id: keyId, exp }],
        revoked: [
          { selector: { id: keyId } },
          { selector: { agent: AGENT } },
          { selector: { all: true } },
        ],
      },
    }),
  ).toBe(200);
  expect(await served()).toBe(200);
});

test("a notice that comes again has no effect", async () => {
  const restored = forge({ claims: { restored: [{ selector: { agent: AGENT } }] } });
  expect(await post(JSON.stringify({ notice: restored }))).toBe(200);
  expect(await send({ claims: REVOKED })).toBe(200);
  expect(await post(JSON.stringify({ notice: restored }))).toBe(401);
  expect(await served()).toBe(401);
  expect(await send({ claims: { restored: [{ selector: { agent: AGENT } }] } })).toBe(200);
  expect(await served()).toBe(200);
});

test.each([
  ["nothing", "{}", 401],
  ["a list", "[]", 401],
  ["null", "null", 401],
  ["no JSON", "notice=1", 400],
  ["a notice that is no text", '{"notice":{"__proto__":1}}', 401],
  ["a key", '{"notice":"KEY"}', 401],
  ["a notice that is too long", `{"notice":"${"a".repeat(400_000)}"}`, 413],
  ["deep JSON", `{"notice":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, 401],
])("a body of %s has no effect", async (_what, body, status) => {
  const answered = await post(body.replace("KEY", token));
  expect([400, status]).toContain(answered);
  expect(await served()).toBe(200);
});

test("a notice is no key, and the broker's own paths have no others", async () => {
  const notice = forge({ claims: REVOKED });
  expect((await stand.ask("/hub/a", { key: notice })).codes).toEqual(["token_invalid"]);
  for (const path of [
    "/.agent-keys/notices",
    "/.agent-keys/",
    "/.agent-keys",
    "/.agent-keys/notices/",
    "/.agent-keys/services/x",
    "/.agent-keys/__proto__",
  ]) {
    expect((await stand.ask(path)).codes).toEqual(["route_unknown"]);
  }
});
