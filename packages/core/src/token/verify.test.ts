import { createHmac, generateKeyPairSync, sign, verify } from "node:crypto";
import { jwtVerify, SignJWT } from "jose";
import { describe, expect, test } from "vitest";
import { AgentKeyError } from "../errors.ts";
import type { TokenHeader } from "./gate.ts";
import { isExpired, readToken, type TokenExpectation } from "./verify.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const stranger = generateKeyPairSync("ed25519");

const NOW = Date.UTC(2026, 0, 1);
const SECONDS = NOW / 1000;
const HEADER = { alg: "Ed25519", typ: "agent-key+jwt", kid: "k1" };
const CLAIMS = {
  v: 1,
  iss: "urn:desk",
  aud: "https://tickets.example",
  sub: "ada",
  act: { sub: "bot" },
  iat: SECONDS,
  nbf: SECONDS,
  exp: SECONDS + 10,
  jti: "AAAAAAAAAAAAAAAAAAAAAA",
  scope: "tickets:read",
  authorization_details: [{ type: "agent_key", actions: ["tickets:read"] }],
};
const PARENT = {
  iss: "urn:desk",
  jti: "B".repeat(22),
  scope: "tickets:read",
  iat: SECONDS,
  exp: SECONDS + 10,
  grants: [0],
  uses: [null],
};

const keys = new Map([["k1", publicKey]]);
const expected: TokenExpectation = {
  findKey: ({ kid }) => keys.get(kid),
  algorithm: "Ed25519",
  issuer: "urn:desk",
  audience: "https://tickets.example",
  now: () => NOW,
};

function encode(part: unknown): string {
  return Buffer.from(typeof part === "string" ? part : JSON.stringify(part)).toString("base64url");
}

function forge(claims: unknown = CLAIMS, header: unknown = HEADER, key = privateKey): string {
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${sign(null, Buffer.from(signed), key).toString("base64url")}`;
}

async function verdict(token: unknown, over: Partial<TokenExpectation> = {}): Promise<string> {
  try {
    await readToken(token, { ...expected, ...over });
    return "accepted";
  } catch (error) {
    if (!(error instanceof AgentKeyError)) throw error;
    return error.code;
  }
}

describe("a token is accepted", () => {
  test("when it is what the issuer signs, and its claims come back as they are", async () => {
    expect(await readToken(forge(), expected)).toStrictEqual({ claims: CLAIMS, kid: "k1" });
  });

  test("when jose's SignJWT made it with the same claims", async () => {
    const { iss, aud, sub, jti, exp, iat, nbf, ...others } = CLAIMS;
    const token = await new SignJWT(others)
      .setProtectedHeader(HEADER)
      .setIssuer(iss)
      .setAudience(aud)
      .setSubject(sub)
      .setJti(jti)
      .setIssuedAt(iat)
      .setNotBefore(nbf)
      .setExpirationTime(exp)
      .sign(privateKey);
    expect((await readToken(token, expected)).claims).toStrictEqual(CLAIMS);
  });

  test("under EdDSA, where that is the issuer's algorithm", async () => {
    const token = forge(CLAIMS, { ...HEADER, alg: "EdDSA" });
    expect(await verdict(token, { algorithm: "EdDSA" })).toBe("accepted");
    expect(await verdict(token)).toBe("token_invalid");
  });
});

describe("algorithm confusion is refused:", () => {
  const signing = (header: object): string => `${encode(header)}.${encode(CLAIMS)}`;
  const pem = publicKey.export({ format: "pem", type: "spki" });
  const raw = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  const hs256 = (header: object, secret: string | Buffer): string =>
    `${signing(header)}.${createHmac("sha256", secret).update(signing(header)).digest("base64url")}`;

  const tokens: readonly (readonly [string, string])[] = [
    ["none without a signature", `${signing({ ...HEADER, alg: "none" })}.`],
    ["none over a good signature", forge().replace(/^[^.]+/, encode({ ...HEADER, alg: "none" }))],
    ["none, signed", forge(CLAIMS, { ...HEADER, alg: "none" })],
    ["HS256 with the public key as PEM", hs256({ ...HEADER, alg: "HS256" }, pem)],
    ["HS256 with the raw public key", hs256({ ...HEADER, alg: "HS256" }, raw)],
    ["HS256's bytes under our own alg", hs256(HEADER, raw)],
    [
      "HS512, of the right length",
      `${signing({ ...HEADER, alg: "HS512" })}.${createHmac("sha512", pem)
        .update(signing({ ...HEADER, alg: "HS512" }))
        .digest("base64url")}`,
    ],
    [
      "an embedded key",
      forge(
        CLAIMS,
        { ...HEADER, jwk: stranger.publicKey.export({ format: "jwk" }) },
        stranger.privateKey,
      ),
    ],
  ];
  test.each(tokens)("%s", async (_, token) => {
    expect(await verdict(token)).toBe("token_invalid");
  });
});

describe("a key of another kind is refused, even where its signature has the right length:", () => {
  // 512 bits, so that a signature has the 64 bytes of Ed25519.
  const rsa = generateKeyPairSync("rsa", { modulusLength: 512 });
  const signed = `${encode(HEADER)}.${encode(CLAIMS)}`;
  const signature = sign(null, Buffer.from(signed), rsa.privateKey);
  const token = `${signed}.${signature.toString("base64url")}`;

  test("as node:crypto has it", async () => {
    expect(verify(null, Buffer.from(signed), rsa.publicKey, signature)).toBe(true);
    expect(await verdict(token, { findKey: () => rsa.publicKey })).toBe("token_invalid");
  });

  test("as WebCrypto has it", async () => {
    const key = rsa.publicKey.toCryptoKey({ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, true, [
      "verify",
    ]);
    expect(await verdict(token, { findKey: () => key })).toBe("token_invalid");
  });
});

test("a key of WebCrypto verifies as the same key of node:crypto does", async () => {
  const findKey = () => publicKey.toCryptoKey("Ed25519", true, ["verify"]);
  expect(await verdict(forge(), { findKey })).toBe("accepted");
  const foreign = forge(CLAIMS, HEADER, stranger.privateKey);
  expect(await verdict(foreign, { findKey })).toBe("token_invalid");
  expect(await verdict(foreign)).toBe("token_invalid");
});

describe("the key is looked up by kid and nowhere else:", () => {
  const kids = ["", "k2", "__proto__", "constructor", "../../dev/null", "/dev/null", "k1\u0000"];
  test.each([...kids, "https://evil.example/jwks", "k1' OR '1'='1", "K1", "k1 "])(
    "%j is refused",
    async (kid) => {
      const asked: string[] = [];
      const findKey = (header: TokenHeader) => {
        asked.push(header.kid);
        return keys.get(header.kid);
      };
      const token = forge(CLAIMS, { ...HEADER, kid }, stranger.privateKey);
      expect(await verdict(token, { findKey })).toBe("token_invalid");
      expect(asked).toEqual([kid]);
    },
  );

  test("another key under this kid is refused", async () => {
    expect(await verdict(forge(CLAIMS, HEADER, stranger.privateKey))).toBe("token_invalid");
  });

  test("what fails while it is looked up is not hidden as something else", async () => {
    const findKey = () => Promise.reject(new AgentKeyError("issuer_unavailable"));
    expect(await verdict(forge(), { findKey })).toBe("issuer_unavailable");
  });
});

test.each([[0], [2], ["1"], [undefined]])(
  "a token of version %j is refused, however well it is signed",
  async (v) => {
    expect(await verdict(forge({ ...CLAIMS, v }))).toBe("token_invalid");
  },
);

test("a token with a claim that this version does not have is refused", async () => {
  expect(await verdict(forge({ ...CLAIMS, region: "eu" }))).toBe("token_invalid");
});

test("a key whose parent lives longer than any key may is refused", async () => {
  const from = (iat: number): string =>
    forge({ ...CLAIMS, parent: { ...PARENT, kid: "k1", iat, exp: SECONDS + 10 } });
  expect(await verdict(from(SECONDS - 890))).toBe("accepted");
  expect(await verdict(from(SECONDS - 891))).toBe("token_invalid");
});

test("a key is dead when the signing key of any parent was taken out", async () => {
  const both = new Map([...keys, ["old", stranger.publicKey]]);
  const grandchild = (kid: string) =>
    forge({ ...CLAIMS, parent: { ...PARENT, kid: "k1", parent: { ...PARENT, kid } } });
  const findKey = ({ kid }: TokenHeader) => both.get(kid);
  expect(await verdict(grandchild("old"), { findKey })).toBe("accepted");
  expect(await verdict(grandchild("old"))).toBe("token_invalid");
  expect(await verdict(grandchild("k1"))).toBe("accepted");
});

describe("whom a token is from and for:", () => {
  const wrong: readonly (readonly [string, object])[] = [
    ["another issuer", { iss: "urn:other" }],
    ["another audience", { aud: "https://other.example" }],
    ["an audience that only starts alike", { aud: "https://tickets.example/" }],
    ["a list with the right audience", { aud: ["https://tickets.example"] }],
    ["a list with another as well", { aud: ["https://tickets.example", "https://other.example"] }],
    ["no audience", { aud: undefined }],
    ["proof of possession, which is not built", { cnf: { jkt: "x" } }],
  ];
  test.each(wrong)("%s is refused", async (_, over) => {
    expect(await verdict(forge({ ...CLAIMS, ...over }))).toBe("token_invalid");
  });
});

describe("time, to the millisecond:", () => {
  const at = (now: number, over: object = {}) =>
    verdict(forge({ ...CLAIMS, ...over }), { now: () => now });

  test("2 s of leeway after exp, and not one millisecond more", async () => {
    expect(await at(NOW + 11_999)).toBe("accepted");
    expect(await at(NOW + 12_000)).toBe("key_expired");
    expect(await at(NOW + 1e12)).toBe("key_expired");
  });

  test("2 s of leeway before nbf and iat, and not one millisecond more", async () => {
    expect(await at(NOW - 2000)).toBe("accepted");
    expect(await at(NOW - 2001)).toBe("token_invalid");
    expect(await at(NOW - 2000, { iat: SECONDS - 60 })).toBe("accepted");
    expect(await at(NOW - 2001, { iat: SECONDS - 60 })).toBe("token_invalid");
    expect(await at(NOW - 2001, { nbf: SECONDS - 60 })).toBe("token_invalid");
  });

  test("15 minutes of life, and not one millisecond more, from whichever is earlier", async () => {
    expect(await at(NOW, { exp: SECONDS + 900 })).toBe("accepted");
    expect(await at(NOW, { exp: SECONDS + 900.001 })).toBe("token_invalid");
    expect(await at(NOW, { exp: SECONDS + 900, iat: SECONDS - 1 })).toBe("token_invalid");
    expect(await at(NOW, { exp: SECONDS + 900, nbf: SECONDS - 1 })).toBe("token_invalid");
    expect(await at(NOW, { exp: 1e300 })).toBe("token_invalid");
  });

  test("a full life is accepted whatever millisecond it began at", async () => {
    for (let ms = 0; ms < 1000; ms += 37) {
      const begin = (NOW + ms) / 1000;
      const claims = { iat: begin, nbf: begin, exp: (NOW + ms + 900_000) / 1000 };
      expect(await at(NOW + ms, claims)).toBe("accepted");
    }
  });

  test("exp that is missing, no number or not finite is refused", async () => {
    expect(await at(NOW, { exp: undefined })).toBe("token_invalid");
    expect(await at(NOW, { exp: String(SECONDS + 10) })).toBe("token_invalid");
    expect(await verdict(forge(JSON.stringify(CLAIMS).replace(/"exp":\d+/, '"exp":1e999')))).toBe(
      "token_invalid",
    );
  });

  test("a clock that is not a number lets nothing pass", async () => {
    expect(await at(Number.NaN)).toBe("token_invalid");
    expect(isExpired(SECONDS, Number.NaN)).toBe(true);
    expect(isExpired(Number.NaN, SECONDS)).toBe(true);
  });
});

describe("claims that cannot be read are refused:", () => {
  const text = JSON.stringify(CLAIMS);
  const payloads: readonly (readonly [string, string])[] = [
    ["no JSON", "claims"],
    ["a list", `[${text}]`],
    ["null", "null"],
    ["a lone v", '{"v":1}'],
    ["an unknown claim", text.replace("{", '{"admin":true,')],
    ["a claim named __proto__", text.replace("{", '{"__proto__":{"admin":true},')],
    ["__proto__ in the actor", text.replace('"act":{', '"act":{"__proto__":{},')],
    ["an escaped __proto__", text.replace("{", '{"\\u005f_proto__":1,')],
    ["a scope claim that disagrees", text.replace('"tickets:read",', '"tickets:reply",')],
    ["a wildcard", text.replaceAll("tickets:read", "tickets:*")],
    ["a byte-order mark", `\ufeff${text}x`],
    ["depth", `${'{"act":'.repeat(1500)}1${"}".repeat(1500)}`],
  ];
  test.each(payloads)("%s", async (_, payload) => {
    expect(await verdict(forge(payload))).toBe("token_invalid");
  });

  test("bytes that are not UTF-8", async () => {
    const bytes = Buffer.from(text.replace('"ada"', '"ad!"'));
    bytes[bytes.indexOf("!")] = 0xff;
    const signed = `${encode(HEADER)}.${bytes.toString("base64url")}`;
    const token = `${signed}.${sign(null, Buffer.from(signed), privateKey).toString("base64url")}`;
    expect(await verdict(token)).toBe("token_invalid");
  });
});

test("of 3,000 mutated tokens none is accepted that jose, with the algorithm pinned, refuses", async () => {
  const random = mulberry32(20_260_101);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const original = forge();
  const counts = { both: 0, joseOnly: 0, neither: 0 };
  const falselyAccepted: string[] = [];

  const CHARACTERS = "A|Z|a|z|0|9|-|_|.|=|+|/| |\n|\t|{|}|\u0000|é".split("|");
  const mutateText = (token: string): string => {
    const at = Math.floor(random() * (token.length + 1));
    const one = pick(CHARACTERS);
    return pick([
      () => token.slice(0, at) + one + token.slice(at + 1),
      () => token.slice(0, at) + one + token.slice(at),
      () => token.slice(0, at) + token.slice(at + 1),
      () => `${token}${one}`,
      () => token.split(".").toReversed().join("."),
      () => token.slice(0, at),
    ])();
  };
  const mutateObject = (object: Record<string, unknown>): unknown => {
    const changed: Record<string, unknown> = structuredClone(object);
    const name = pick([...Object.keys(object), "crit", "cnf", "x5c", "jwk", "v"]);
    const values = [undefined, null, 0, -1, 1, "", "none", "HS256", "EdDSA", "k2", {}, [], true];
    const times = [SECONDS - 3, SECONDS - 2, SECONDS + 2, SECONDS + 3, SECONDS + 901, 1e300];
    changed[name] = pick<unknown>([...values, ...times, object[name], [object[name]]]);
    return random() < 0.1 ? [changed] : changed;
  };

  for (let i = 0; i < 3000; i += 1) {
    const key = random() < 0.8 ? privateKey : stranger.privateKey;
    const token = pick([
      () => mutateText(original),
      () => forge(CLAIMS, mutateObject(HEADER), key),
      () => forge(mutateObject(CLAIMS), HEADER, key),
      () => forge(mutateText(JSON.stringify(CLAIMS)), HEADER, key),
      () => forge(CLAIMS, mutateText(JSON.stringify(HEADER)), key),
    ])();
    const [ours, jose] = await Promise.all([verdict(token), josesVerdict(token)]);
    const accepted = ours === "accepted";
    if (accepted && !jose) falselyAccepted.push(token);
    if (accepted && jose) counts.both += 1;
    if (!accepted && jose) counts.joseOnly += 1;
    if (!accepted && !jose) counts.neither += 1;
  }
  expect(falselyAccepted).toEqual([]);
  // What is compared must occur.
  expect(counts.both).toBeGreaterThan(50);
  expect(counts.joseOnly).toBeGreaterThan(50);
  expect(counts.neither).toBeGreaterThan(1000);
});

async function josesVerdict(token: string): Promise<boolean> {
  try {
    await jwtVerify(token, publicKey, {
      algorithms: ["Ed25519"],
      typ: "agent-key+jwt",
      issuer: expected.issuer,
      audience: expected.audience,
      clockTolerance: 2,
      currentDate: new Date(NOW),
    });
    return true;
  } catch {
    return false;
  }
}

/** A small deterministic generator: the same tokens in every run. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
