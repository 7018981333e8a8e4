import { createSecretKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { calculateJwkThumbprint } from "jose";
import { describe, expect, test } from "vitest";
import { generateSigningKey, readSigningKey, type SigningKeyInput } from "./signing-key.ts";

const directory = mkdtempSync(join(tmpdir(), "agent-keys-signing-"));
let files = 0;

function keyFile(content: string, mode = 0o600): string {
  files += 1;
  const path = join(directory, `key-${files}`);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

const pair = generateKeyPairSync("ed25519");
const jwk = pair.privateKey.export({ format: "jwk" });
const pem = pair.privateKey.export({ format: "pem", type: "pkcs8" }) as string;
const d = jwk.d ?? "";

/** RFC 8037, appendix A.1 and A.3. */
const RFC_8037 = {
  kty: "OKP",
  crv: "Ed25519",
  d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
  x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwaaPJHURo",
};

describe("the id of a key", () => {
  test("is the RFC 7638 thumbprint of RFC 8037's own example", () => {
    expect(readSigningKey(RFC_8037).kid).toBe("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
  });

  test("is the thumbprint that jose computes", async () => {
    const keys = Array.from({ length: 20 }, generateSigningKey);
    const thumbprints = keys.map(({ publicJwk: { kty, crv, x } }) =>
      calculateJwkThumbprint({ kty, crv, x }, "sha256"),
    );
    expect(keys.map((key) => key.kid)).toEqual(await Promise.all(thumbprints));
  });

  test("is the JWK's own kid where it has one", () => {
    expect(readSigningKey({ ...jwk, kid: "2026-01" }).publicJwk.kid).toBe("2026-01");
  });

  test.each([[7], [""], [null], ["k".repeat(257)], ["\ud800"]])("is not %j", (kid) => {
    expect(() => readSigningKey({ ...jwk, kid } as SigningKeyInput)).toThrow(
      new TypeError("signingKey: its kid must be a string of 1 to 256 characters"),
    );
  });
});

describe("a signing key is read from", () => {
  const sources: readonly (readonly [string, () => SigningKeyInput])[] = [
    ["a KeyObject", () => pair.privateKey],
    ["a JWK", () => jwk],
    ["a JWK as JSON", () => JSON.stringify(jwk, null, 2)],
    ["PEM", () => pem],
    ["PEM with space around it", () => `\n  ${pem}\n`],
    ["a file with a JWK", () => keyFile(`${JSON.stringify(jwk)}\n`)],
    ["a file with PEM", () => keyFile(pem)],
    ["a file that only its owner can read", () => keyFile(pem, 0o400)],
  ];
  test.each(sources)("%s", (_, source) => {
    const key = readSigningKey(source());
    expect(key.publicKey.equals(pair.publicKey)).toBe(true);
    expect(key.privateKey.equals(pair.privateKey)).toBe(true);
  });

  test("and only its public half is in what is published", () => {
    const { publicJwk, kid } = readSigningKey(jwk);
    expect(publicJwk).toStrictEqual({
      kty: "OKP",
      crv: "Ed25519",
      x: jwk.x,
      kid,
      alg: "Ed25519",
      use: "sig",
    });
  });
});

test.each([[0o640], [0o604], [0o660], [0o644], [0o610], [0o602]])(
  "a key file of mode %o is refused",
  (mode) => {
    const path = keyFile(pem, mode);
    expect(() => readSigningKey(path)).toThrow(
      new TypeError("signingKey: the key file is open to group or others; chmod 600 it first"),
    );
  },
);

test("a key file that is not there is named, with where it was looked for", () => {
  const missing = keyFile(pem, 0o600).replace(/[^/]*$/, "missing");
  const wrong = "signingKey: neither a JWK, nor PEM, nor a readable key file";
  for (const path of [missing, "keys/signing.pem", "./signing.json"]) {
    const said = new TypeError(`${wrong} (ENOENT: ${path}, in ${process.cwd()})`);
    expect(() => readSigningKey(path)).toThrow(said);
  }
  // A key without its first line is none.
  const body = pem.split("\n")[1] ?? "";
  for (const key of [body, d, `/${d}`, `./${d}`]) {
    expect(() => readSigningKey(key)).toThrow(`(ENOENT: what is no path, in ${process.cwd()})`);
  }
});

describe("a TypeError that names the option and never quotes the key refuses", () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const x25519 = generateKeyPairSync("x25519");
  const text = (key: KeyObject): string =>
    key.export({ format: "pem", type: key.type === "public" ? "spki" : "pkcs8" }) as string;
  const encrypted = pair.privateKey.export({
    format: "pem",
    type: "pkcs8",
    cipher: "aes-256-cbc",
    passphrase: "secret",
  }) as string;

  const wrong: readonly (readonly [string, unknown])[] = [
    ["an RSA KeyObject", rsa.privateKey],
    ["RSA as PEM", text(rsa.privateKey)],
    ["an RSA JWK", rsa.privateKey.export({ format: "jwk" })],
    ["an EC KeyObject", ec.privateKey],
    ["an EC JWK as JSON", JSON.stringify(ec.privateKey.export({ format: "jwk" }))],
    ["an X25519 JWK", x25519.privateKey.export({ format: "jwk" })],
    ["a public KeyObject", pair.publicKey],
    ["a public JWK", pair.publicKey.export({ format: "jwk" })],
    ["a public PEM", text(pair.publicKey)],
    ["a secret KeyObject", createSecretKey(Buffer.alloc(32))],
    ["an encrypted PEM", encrypted],
    ["a JWKS", { keys: [jwk] }],
    ["a cut JWK", JSON.stringify(jwk).slice(0, -3)],
    ["a JWK with a bad private part", { ...jwk, d: `${d}AAAA` }],
    ["a cut PEM", pem.slice(0, 60)],
    ["the raw private part", d],
    ["an empty object", {}],
    ["an empty text", ""],
    ["a number", 7],
    ["null", null],
    ["a missing file", join(directory, "missing")],
    ["a path with a NUL", "key\u0000"],
    ["a directory", directory],
    ["a file of something else", keyFile(`k = ${d}`)],
    ["a file that names another file", keyFile(keyFile(pem))],
    ["a file with a cut JWK", keyFile(JSON.stringify(jwk).slice(0, -3))],
  ];
  test.each(wrong)("%s", (_, input) => {
    let error: unknown;
    try {
      readSigningKey(input as SigningKeyInput, "signingKey[1]");
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toMatch(/^signingKey\[1\]: (not an Ed25519|neither a JWK)/);
    const shown = inspect(error, { showHidden: true, depth: 9 });
    expect(shown).not.toContain(d.slice(0, 12));
    expect(shown).not.toContain(pem.split("\n")[1]?.slice(4, 16));
  });
});
