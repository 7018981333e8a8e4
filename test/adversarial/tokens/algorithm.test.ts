import { verifyKey } from "@agent-keys/core";
import { createHmac, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AUDIENCE, type Desk, encode, refused, SERVED, ISSUER, NOW, openDesk } from "./desk.ts";

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk();
});
afterAll(() => desk[Symbol.asyncDispose]());

test("control: what the issuer signs is served, minted or put together here", async () => {
  expect(await desk.attempt(desk.keys.mint("tickets:read").token)).toEqual(SERVED);
  expect(await desk.attempt(desk.forge())).toEqual(SERVED);
});

describe("HMAC under the public key, which everybody knows", () => {
  const forms: Record<string, (key: KeyObject) => string | Buffer> = {
    PEM: (key) => key.export({ format: "pem", type: "spki" }),
    "PEM without its last newline": (key) =>
      key.export({ format: "pem", type: "spki" }).toString().trimEnd(),
    DER: (key) => key.export({ format: "der", type: "spki" }),
    "32 raw bytes": (key) => Buffer.from(xOf(key), "base64url"),
    "x as it stands in the JWKS": xOf,
    "the JWK as JSON": (key) => JSON.stringify(key.export({ format: "jwk" })),
    "an empty secret": () => "",
  };
  describe.each(Object.keys(forms))("%s", (form) => {
    // HS512 has the 64 bytes of an Ed25519 signature, so no length gives it away.
    test.each(["HS256", "HS384", "HS512"])("%s", async (alg) => {
      const secret = forms[form]?.(desk.publicKey) ?? "";
      const { header, claims } = desk.parts();
      for (const named of [alg, header["alg"]]) {
        const signed = `${encode({ ...header, alg: named })}.${encode(claims)}`;
        const mac = createHmac(alg.replace("HS", "sha"), secret).update(signed);
        expect(await desk.attempt(`${signed}.${mac.digest("base64url")}`)).toEqual(refused());
      }
    });
  });
});

describe("no algorithm", () => {
  test.each(["none", "None", "NONE", "nOnE", "none ", "", "null"])("%j", async (alg) => {
    const { header, claims } = desk.parts();
    const unsigned = `${encode({ ...header, alg })}.${encode(claims)}`;
    const [, , signature = ""] = desk.forge(claims).split(".");
    const zeros = Buffer.alloc(64).toString("base64url");
    for (const end of ["", ".", `.${signature}`, `.${zeros}`]) {
      expect(await desk.attempt(unsigned + end)).toEqual(refused());
    }
    // Signed by the very issuer: the name alone refuses.
    expect(await desk.attempt(desk.forge(claims, { ...header, alg }))).toEqual(refused());
  });

  test("of a JWT library's unsecured token, claims and all", async () => {
    const { claims } = desk.parts();
    expect(await desk.attempt(`${encode({ alg: "none", typ: "JWT" })}.${encode(claims)}.`)).toEqual(
      refused(),
    );
  });
});

describe("another algorithm in the header, over a signature that is the issuer's own", () => {
  const names = ["EdDSA", "ed25519", "ED25519", "Ed25519 ", " Ed25519", "Ed25519\u0000", "Ed448"];
  const others = ["ES256", "ES512", "RS256", "PS256", "HS256", "__proto__", "Ed25519,none"];
  const shapes: unknown[] = [["Ed25519"], null, undefined, {}, 1, true, { toString: "Ed25519" }];
  test.each([...names, ...others, ...shapes])("%j", async (alg) => {
    const { header, claims } = desk.parts();
    expect(await desk.attempt(desk.forge(claims, { ...header, alg }))).toEqual(refused());
  });

  test("alg twice, whichever a parser takes", async () => {
    const { header, claims } = desk.parts();
    const text = JSON.stringify(header);
    expect(await desk.attempt(desk.forge(claims, text.replace("{", '{"alg":"none",')))).toEqual(
      refused(),
    );
    expect(await desk.attempt(desk.forge(claims, text.replace("}", ',"alg":"none"}')))).toEqual(
      refused(),
    );
    expect(await desk.attempt(desk.forge(claims, text.replace("}", ',"alg":"Ed25519"}')))).toEqual(
      refused(),
    );
  });
});

describe("a true signature of another kind of key, under our kid", () => {
  const keys: Record<string, () => Signer> = {
    ES256: () => signer(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey, "sha256"),
    ES256K: () =>
      signer(generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey, "sha256"),
    RS256: () => signer(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey, "sha256"),
    Ed448: () => signer(generateKeyPairSync("ed448").privateKey, null),
    Ed25519: () => signer(generateKeyPairSync("ed25519").privateKey, null),
  };
  test.each(Object.keys(keys))("%s", async (alg) => {
    const signWith = keys[alg]?.();
    const { header, claims } = desk.parts();
    for (const named of [alg, "Ed25519"]) {
      const signed = `${encode({ ...header, alg: named })}.${encode(claims)}`;
      expect(await desk.attempt(`${signed}.${signWith?.(signed)}`)).toEqual(refused());
    }
  });
});

describe("a header that changes what is verified, signed by the issuer", () => {
  const members = {
    crit: ["exp"],
    b64: false,
    zip: "DEF",
    enc: "A256GCM",
    cty: "agent-key+jwt",
    p2c: 2 ** 31,
    epk: {},
    "": "",
  };
  test.each(Object.entries(members))("%s", async (name, value) => {
    const { header, claims } = desk.parts();
    expect(await desk.attempt(desk.forge(claims, { ...header, [name]: value }))).toEqual(refused());
  });

  test("b64: false, with crit and a payload in the clear (RFC 7797)", async () => {
    const { header, claims } = desk.parts();
    const first = encode({ ...header, b64: false, crit: ["b64"] });
    const signed = `${first}.${JSON.stringify(claims)}`;
    const signature = sign(null, Buffer.from(signed), desk.privateKey).toString("base64url");
    expect(await desk.attempt(`${signed}.${signature}`)).toEqual(refused());
  });

  test.each(["JWT", "jwt", "at+jwt", "Agent-Key+JWT", "application/agent-key+jwt", "", undefined])(
    "typ %j",
    async (typ) => {
      const { header, claims } = desk.parts();
      expect(await desk.attempt(desk.forge(claims, { ...header, typ }))).toEqual(refused());
    },
  );
});

describe("a JWKS that holds another kind of key under the issuer's kid", () => {
  const secret = randomBytes(64);
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const sets: Record<string, object> = {
    "a shared secret": { kty: "oct", k: secret.toString("base64url"), alg: "HS512" },
    "a shared secret that says Ed25519": {
      kty: "oct",
      k: secret.toString("base64url"),
      alg: "Ed25519",
    },
    "an RSA key": rsa.publicKey.export({ format: "jwk" }),
    "an Ed25519 key for encryption": { use: "enc" },
    "an Ed25519 key that may not verify": { use: undefined, key_ops: ["sign"] },
    "an Ed25519 key of another algorithm": { alg: "EdDSA" },
    "an X25519 key": { crv: "X25519" },
    "a key without a curve": { crv: undefined },
    "an x that is too short": { x: "AAAA" },
  };
  test.each(Object.keys(sets))("%s", async (name) => {
    const { header, claims } = desk.parts();
    const [own] = desk.keys.jwks().keys;
    const jwk = { ...own, ...sets[name], kid: own?.kid };
    const signed = (alg: string): string => `${encode({ ...header, alg })}.${encode(claims)}`;
    const macOf = (text: string): string =>
      `${text}.${createHmac("sha512", secret).update(text).digest("base64url")}`;
    const tokens = [desk.forge(claims), macOf(signed("HS512")), macOf(signed("Ed25519"))];
    let bodies = 0;
    const serve = async (token: string): Promise<void> => {
      await verifyKey(token, {
        jwks: { keys: [jwk as { kty: string }] },
        issuer: ISSUER,
        audience: AUDIENCE,
        request: undefined,
        now: () => NOW,
      });
      bodies += 1;
    };
    for (const token of tokens) {
      await expect(serve(token)).rejects.toMatchObject({
        name: "AgentKeyError",
        code: expect.stringMatching(/^(token_invalid|issuer_unavailable)$/) as string,
      });
    }
    expect(bodies).toBe(0);
  });
});

type Signer = (text: string) => string;

function signer(key: KeyObject, digest: string | null): Signer {
  return (text) =>
    sign(digest, Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }).toString("base64url");
}

function xOf(key: KeyObject): string {
  return key.export({ format: "jwk" }).x ?? "";
}
