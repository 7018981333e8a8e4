import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { afterEach, expect, test, vi } from "vitest";
import { type Setup, setup } from "../../test/setup.ts";
import { Refused } from "./refusal.ts";
import { refusedTeller } from "./tell-refused.ts";

type Part = Readonly<Record<string, unknown>>;

const said: string[] = [];

function listen(): void {
  vi.spyOn(process.stderr, "write").mockImplementation((text) => said.push(String(text)) > 0);
}

afterEach(() => {
  vi.restoreAllMocks();
  said.length = 0;
});

/** A token that was good, with what is said here in place of what it said, signed again. */
function changed(s: Setup, header: Part, claims: Part, by: KeyObject = s.privateKey): string {
  const [head = "", payload = ""] = s.mint().split(".");
  const parts = [
    { ...read(head), ...header },
    { ...read(payload), ...claims },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  const signed = parts.join(".");
  return `${signed}.${sign(null, Buffer.from(signed), by).toString("base64url")}`;
}

function read(part: string): Part {
  return JSON.parse(Buffer.from(part, "base64url").toString()) as Part;
}

const nowSeconds = Date.now() / 1000;
const long = { iat: nowSeconds, nbf: nowSeconds, exp: nowSeconds + 3600 };
const late = { iat: nowSeconds - 60, nbf: nowSeconds - 60, exp: nowSeconds - 30 };
const early = { iat: nowSeconds + 60, nbf: nowSeconds + 60, exp: nowSeconds + 70 };

test.each<readonly [string, string, (s: Setup) => string, string | undefined]>([
  ["of nobody", "issuer", (s) => changed(s, {}, { iss: "https://x.example" }), "no issuer of that"],
  [
    "for another",
    "audience",
    (s) => changed(s, {}, { aud: "https://x.example" }),
    "this broker is http",
  ],
  ["of another key", "kid", (s) => changed(s, { kid: "x" }, {}), "its kid is not in"],
  [
    "signed by another",
    "signature",
    (s) => changed(s, {}, {}, generateKeyPairSync("ed25519").privateKey),
    "its signature is not",
  ],
  ["of another kind", "typ", (s) => changed(s, { typ: "JWT" }, {}), "a token of another kind"],
  ["with another alg", "algorithm", (s) => changed(s, { alg: "EdDSA" }, {}), "another algorithm"],
  [
    "with more in its head",
    "shape",
    (s) => changed(s, { jku: "https://x.example" }, {}),
    undefined,
  ],
  ["with other claims", "claims", (s) => changed(s, {}, { v: 7 }), undefined],
  ["that lives too long", "life", (s) => changed(s, {}, long), undefined],
  ["from later", "clock", (s) => changed(s, {}, early), "the clocks of issuer and broker"],
  ["that is over", "expired", (s) => changed(s, {}, late), "it has expired"],
])(
  "a key %s is refused by the check %s, on record and on stderr",
  async (_name, check, key, told) => {
    listen();
    await using s = await setup();
    const answers = [];
    for (let at = 0; at < 3; at += 1)
      answers.push(await s.ask("/tickets/tickets/1", { key: key(s) }));
    await s.close();
    const code = check === "expired" ? "key_expired" : "token_invalid";
    const [first] = answers;
    expect(first?.headers.get("agent-keys-code")).toBe(code);
    const lines = s.of("request.refused");
    expect(new Set(lines.map((line) => line.check))).toEqual(new Set([check]));
    expect(lines.reduce((sum, { count = 0 }) => sum + count, 0)).toBe(3);
    expect(said.filter((line) => line.startsWith("agent-keys: a key was refused"))).toHaveLength(
      told === undefined ? 0 : 1,
    );
    expect(said.join("")).toContain(told ?? "");
    expect(said.join("")).not.toContain("x.example");
    // To the sender they are one, but for the audience.
    const body = (await first?.json()) as Part;
    expect(Object.keys(body).toSorted()).toEqual(
      check === "audience" ? ["code", "detail", "error", "message"] : ["code", "error", "message"],
    );
    expect(first?.headers.get("www-authenticate")).toBe(
      check === "audience"
        ? `Bearer error="invalid_token", error_description="the key is for another audience; this broker is ${s.url}"`
        : 'Bearer error="invalid_token"',
    );
    expect(s.upstream.seen).toEqual([]);
  },
);

test("a notice says as much of itself", async () => {
  listen();
  await using s = await setup();
  const [head = "", payload = ""] = s.mint().split(".");
  const notice = `${head}.${payload}.${"A".repeat(86)}`;
  const body = JSON.stringify({ notice });
  const answer = await fetch(`${s.url}/.agent-keys/notices`, { method: "POST", body });
  expect(answer.status).toBe(401);
  expect(s.of("request.refused")).toMatchObject([{ code: "token_invalid", check: "typ" }]);
});

test("is told once a minute for each reason", () => {
  listen();
  let nowMs = 0;
  const tell = refusedTeller(
    () => "https://broker.example",
    () => nowMs,
  );
  const refused = (check: string): void => tell(new Refused("token_invalid", check));
  for (let at = 0; at < 100; at += 1) refused("kid");
  refused("typ");
  nowMs = 59_999;
  refused("kid");
  expect(said).toHaveLength(2);
  nowMs = 60_000;
  refused("kid");
  refused("head");
  expect(said).toHaveLength(3);
});
