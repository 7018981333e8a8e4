import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { type CryptoKey, importJWK } from "jose";
import { describe, expect, test } from "vitest";
import { claimedIssuer, issuerKeys } from "../enforce/index.ts";
import { AgentKeyError } from "../index.ts";
import { openKeyRing } from "../key-ring.ts";
import {
  NOTICE_MAX_ACTS,
  NOTICE_MAX_CLOSED,
  NOTICE_MAX_LENGTH,
  type NoticeNews,
  readNotice,
  writeNotice,
} from "./notice.ts";

const START_MS = Date.UTC(2026, 0, 1);
const START = START_MS / 1000;
const ring = openKeyRing([]);
const now = (): number => START_MS;
const sender = { iss: "urn:bot", audience: "https://broker", signer: ring.current(), now };
const expected = {
  findKey: issuerKeys(ring.jwks(), "jwks"),
  issuer: "urn:bot",
  audience: "https://broker",
  now,
};
const id = "k".repeat(22);

const verdict = async (text: unknown, over: Partial<typeof expected> = {}): Promise<string> => {
  try {
    await readNotice(text, { ...expected, ...over });
    return "read";
  } catch (error) {
    if (!(error instanceof AgentKeyError)) throw error;
    return error.code;
  }
};

const encode = (value: unknown): string =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

const header = { alg: "Ed25519", typ: "agent-key-notice+jwt", kid: ring.current().kid };
const claims = {
  v: 1,
  iss: "urn:bot",
  aud: "https://broker",
  iat: START,
  exp: START + 30,
  jti: "n".repeat(22),
};

/** What somebody who has the signing key could send. */
const forged = (body: object | string, head: object | string = header): string => {
  const signed = `${encode(head)}.${encode(body)}`;
  const { privateKey } = ring.current();
  return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString("base64url")}`;
};

test("what is written is read, exactly", async () => {
  const news: NoticeNews = {
    closed: [{ id, exp: START + 10.5 }],
    revoked: [
      { selector: { agent: "bot" }, reason: "why", by: "ops" },
      { selector: { all: true } },
    ],
    restored: [{ selector: { scope: "github:repos.*" } }],
  };
  const text = writeNotice(news, sender);
  const read = await readNotice(text, expected);
  expect(read).toEqual({ ...claims, jti: read.jti, ...news });
  expect(read.jti).toHaveLength(22);
  expect(claimedIssuer(text, NOTICE_MAX_LENGTH)).toBe("urn:bot");
  expect(writeNotice(news, sender)).not.toBe(text);
});

test("what is as long, as many and as early as may be is read", async () => {
  const most = {
    jti: "n".repeat(64),
    closed: [
      ...Array.from({ length: 999 }, () => ({ id: "i".repeat(16), exp: 0 })),
      { id: "i".repeat(64), exp: START + 902 },
    ],
    revoked: Array.from({ length: 100 }, () => ({ selector: { id }, by: "b".repeat(1_024) })),
    restored: Array.from({ length: 100 }, () => ({ selector: { id }, reason: "" })),
  };
  expect(await verdict(forged({ ...claims, ...most }))).toBe("read");
  expect(await verdict(forged({ ...claims, jti: "n".repeat(16), iat: START + 2 }))).toBe("read");
  const late = writeNotice({}, { ...sender, now: () => START_MS + 0.9 });
  expect(await readNotice(late, expected)).toMatchObject({ iat: START });
});

test("the longest text that may be one is looked at, and no longer one", async () => {
  const findKey = (): KeyObject => createPublicKey(ring.current().privateKey);
  // Space behind the claims changes nothing but the length. Base64url leaves out some lengths: hence the kid.
  const withLength = (length: number): string | undefined => {
    for (const kid of ["k", "kk", "kkk"]) {
      const least = forged(claims, { ...header, kid }).length;
      const spaces = Math.floor(((length - least) * 3) / 4);
      for (const more of [spaces, spaces + 1]) {
        const text = forged(JSON.stringify(claims) + " ".repeat(more), { ...header, kid });
        if (text.length === length) return text;
      }
    }
    return undefined;
  };
  await expect(
    readNotice(withLength(NOTICE_MAX_LENGTH), { ...expected, findKey }),
  ).resolves.toEqual(claims);
  await expect(
    readNotice(withLength(NOTICE_MAX_LENGTH + 1), { ...expected, findKey }),
  ).rejects.toMatchObject({ code: "token_invalid" });
  expect([NOTICE_MAX_LENGTH, withLength(NOTICE_MAX_LENGTH + 1)?.length]).toEqual([
    262_144, 262_145,
  ]);
});

test("whatever holds the key, it is read under the issuer's algorithm and no other", async () => {
  const [jwk] = ring.jwks().keys;
  const findKey = async () => (await importJWK({ ...jwk }, "Ed25519")) as CryptoKey;
  const good = writeNotice({}, sender);
  await expect(readNotice(good, { ...expected, findKey })).resolves.toMatchObject({ iat: START });
  await expect(
    readNotice(good, { ...expected, findKey, algorithm: "EdDSA" }),
  ).rejects.toMatchObject({ code: "token_invalid" });
});

test("the fullest notice there can be is short enough", async () => {
  const closed = Array.from({ length: NOTICE_MAX_CLOSED }, () => ({ id, exp: START + 899.999 }));
  const act = { selector: { user: "u".repeat(200) }, reason: "r".repeat(400) };
  const revoked = Array.from({ length: NOTICE_MAX_ACTS }, () => act);
  const text = writeNotice({ closed, revoked }, sender);
  expect(text.length).toBeLessThan(NOTICE_MAX_LENGTH);
  expect(await verdict(text)).toBe("read");
});

describe("a notice is refused", () => {
  const good = writeNotice({ closed: [{ id, exp: START + 10 }] }, sender);

  test.each<[string, Partial<typeof expected>]>([
    ["of another issuer", { issuer: "urn:other" }],
    ["for another broker", { audience: "https://other" }],
    ["signed by another's key", { findKey: issuerKeys(openKeyRing([]).jwks(), "jwks") }],
    ["after its 30 seconds", { now: () => START_MS + 32_000 }],
    ["before its time", { now: () => START_MS - 2_001 }],
    ["by a clock that is none", { now: () => NaN }],
  ])("%s", async (_, over) => {
    expect(await verdict(good)).toBe("read");
    expect(await verdict(good, over)).toBe("token_invalid");
  });

  test("two seconds early or late it is read: clocks differ", async () => {
    expect(await verdict(good, { now: () => START_MS - 1_999 })).toBe("read");
    expect(await verdict(good, { now: () => START_MS + 31_999 })).toBe("read");
  });

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["a token", forged(claims, { ...header, typ: "agent-key+jwt" })],
    ["an unsigned one", `${encode({ alg: "none" })}.${encode(claims)}.`],
    ["an HMAC", forged(claims, { ...header, alg: "HS256" })],
    ["the older algorithm's name", forged(claims, { ...header, alg: "EdDSA" })],
    ["a key in the header", forged(claims, { ...header, jwk: ring.jwks().keys[0] })],
    ["a kid of nobody's", forged(claims, { ...header, kid: "../../etc/passwd" })],
    ["a header said twice", forged(claims, `{"alg":"none",${JSON.stringify(header).slice(1)}`)],
    ["space around it", ` ${good}`],
    ["padding", `${good}==`],
    ["a changed signature", good.replace(/[^.](?=[^.]{85}$)/, (c) => (c === "A" ? "B" : "A"))],
    ["another payload", good.replace(/\.[^.]+\./, `.${encode(claims)}.`)],
    ["no JSON", forged("{")],
    ["an unknown member", forged({ ...claims, cnf: {} })],
    ["another version", forged({ ...claims, v: 2 })],
    ["no exp", forged({ ...claims, exp: undefined })],
    ["a far exp", forged({ ...claims, exp: START + 30.002 })],
    ["an iat of tomorrow", forged({ ...claims, iat: START + 86_400, exp: START + 86_430 })],
    ["no jti", forged({ ...claims, jti: undefined })],
    ["a short jti", forged({ ...claims, jti: "n".repeat(15) })],
    ["a long jti", forged({ ...claims, jti: "n".repeat(65) })],
    ["a negative time", forged({ ...claims, closed: [{ id, exp: -1 }] })],
    ["a stranger beside a closed key", forged({ ...claims, closed: [{ id, exp: START, a: 1 }] })],
    ["another issuer as selector", forged({ ...claims, revoked: [{ selector: { issuer: "x" } }] })],
    ["and to be restored", forged({ ...claims, restored: [{ selector: { issuer: "x" } }] })],
    ["two selectors", forged({ ...claims, revoked: [{ selector: { id, agent: "a" } }] })],
    ["a stranger in an act", forged({ ...claims, revoked: [{ selector: { id }, iss: "x" }] })],
    ["a long note", forged({ ...claims, revoked: [{ selector: { id }, by: "b".repeat(1_025) }] })],
    ["a close for ever", forged({ ...claims, closed: [{ id, exp: START + 903 }] })],
    [
      "too many closes",
      forged({ ...claims, closed: Array.from({ length: 1_001 }, () => ({ id, exp: START })) }),
    ],
    [
      "too many acts",
      forged({ ...claims, revoked: Array.from({ length: 101 }, () => ({ selector: { id } })) }),
    ],
    ["one of 300,000 characters", forged({ ...claims, iss: "x".repeat(300_000) })],
  ])("that is %s", async (_, text) => {
    expect(await verdict(text)).toBe("token_invalid");
  });

  test("and its own issuer may be the selector", async () => {
    const act = { selector: { issuer: "urn:bot" } };
    expect(await verdict(forged({ ...claims, revoked: [act] }))).toBe("read");
  });
});

describe("the issuer that a text claims", () => {
  test.each([
    [forged(claims), "urn:bot"],
    [forged({ ...claims, iss: 7 }), undefined],
    [forged("null"), undefined],
    [forged('{"__proto__":{"iss":"urn:bot"}}'), undefined],
    ["a.b.c", undefined],
    ["", undefined],
    [undefined, undefined],
    [forged({ iss: "x".repeat(20_000) }), undefined],
  ])("is stated, or nothing", (text, iss) => {
    expect(claimedIssuer(text)).toBe(iss);
  });
});

test("an issuer's keys are handed out as KeyObjects, one for each kid, for either algorithm's name", async () => {
  const find = issuerKeys(ring.jwks(), "jwks");
  const token = { alg: "Ed25519", typ: "x", kid: ring.current().kid } as const;
  const [first, second] = [await find(token), await find(token)];
  expect(first).toBe(second);
  expect(first).toMatchObject({ type: "public", asymmetricKeyType: "ed25519" });
  expect(await find({ ...token, kid: "other" })).toBeUndefined();
  expect(() => issuerKeys("http://example.com/jwks", "issuers.x.jwks")).toThrow(
    "issuers.x.jwks must be an https URL",
  );
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({
    format: "jwk",
  });
  const strange = { keys: [{ ...rsa, kid: token.kid, kty: "RSA" }] };
  expect(await issuerKeys(strange, "jwks")(token)).toBeUndefined();
});
