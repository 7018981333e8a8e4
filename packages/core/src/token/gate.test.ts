import { describe, expect, test } from "vitest";
import { AgentKeyError } from "../errors.ts";
import { readHeader, type TokenAlgorithm } from "./gate.ts";

const SIGNATURE = Buffer.alloc(64, 0xff).toString("base64url");
const HEADER = { alg: "Ed25519", typ: "agent-key+jwt", kid: "k1" };

function encode(text: string): string {
  return Buffer.from(text).toString("base64url");
}

function token(header: unknown = HEADER, payload = "{}", signature = SIGNATURE): string {
  const text = typeof header === "string" ? header : JSON.stringify(header);
  return `${encode(text)}.${encode(payload)}.${signature}`;
}

function reasonFor(candidate: unknown, algorithm: TokenAlgorithm = "Ed25519"): string {
  try {
    readHeader(candidate, algorithm);
  } catch (error) {
    if (!(error instanceof AgentKeyError) || error.code !== "token_invalid") throw error;
    return (error.cause as Error).message;
  }
  return "let through";
}

test("the gate lets a well-formed token through and gives its header", () => {
  expect(readHeader(token(), "Ed25519")).toStrictEqual(HEADER);
});

test("EdDSA is for an issuer that is registered with it, and then nothing else is", () => {
  const older = token({ ...HEADER, alg: "EdDSA" });
  expect(readHeader(older, "EdDSA").alg).toBe("EdDSA");
  expect(reasonFor(older)).toBe("not the issuer's algorithm");
  expect(reasonFor(token(), "EdDSA")).toBe("not the issuer's algorithm");
});

describe("a shape that is not exactly three canonical parts is refused", () => {
  const [header = "", payload = ""] = token().split(".");
  const shape = "not three base64url parts with an Ed25519 signature";
  const bits = "base64url with trailing bits";
  const shapes: readonly (readonly [string, unknown, string])[] = [
    ["nothing", undefined, shape],
    ["a number", 1, shape],
    ["a String object", new String(token()), shape],
    ["an array that prints as a token", [token()], shape],
    ["an empty text", "", shape],
    ["two parts", `${header}.${payload}`, shape],
    ["four parts", `${token()}.${SIGNATURE}`, shape],
    ["an empty header", `.${payload}.${SIGNATURE}`, shape],
    ["an empty payload", `${header}..${SIGNATURE}`, shape],
    ["an empty signature", `${header}.${payload}.`, shape],
    ["a signature that is short", token(HEADER, "{}", SIGNATURE.slice(1)), shape],
    ["a signature that is long", token(HEADER, "{}", `${SIGNATURE}A`), shape],
    ["padding on the signature", `${token()}==`, shape],
    ["padding inside", `${header}=.${payload}.${SIGNATURE}`, shape],
    ["a space before", ` ${token()}`, shape],
    ["a space inside", `${header}. ${payload}.${SIGNATURE}`, shape],
    ["a newline after", `${token()}\n`, shape],
    ["a newline inside", `${header}\n.${payload}.${SIGNATURE}`, shape],
    ["base64 that is not base64url", `${header}.${payload}+.${SIGNATURE}`, shape],
    ["a letter of another script", `${header}.${payload}é.${SIGNATURE}`, shape],
    [
      "a tail of other bits on the signature",
      token(HEADER, "{}", `${SIGNATURE.slice(0, -1)}x`),
      bits,
    ],
    ["a tail of other bits on the payload", `${header}.e31.${SIGNATURE}`, bits],
    ["a length that no bytes have", `${header}.AAAAA.${SIGNATURE}`, bits],
    ["a tail of other bits on the header", `e31.${payload}.${SIGNATURE}`, bits],
  ];
  test.each(shapes)("%s", (_, candidate, reason) => {
    expect(reasonFor(candidate)).toBe(reason);
  });

  test("the canonical form of those same bytes passes", () => {
    expect(reasonFor(`${header}.e30.${SIGNATURE}`)).toBe("let through");
  });

  test("and of 64 last characters of a signature, only the 4 whose spare bits are zero pass", () => {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const passing = alphabet
      .split("")
      .filter(
        (last) => reasonFor(token(HEADER, "{}", SIGNATURE.slice(0, -1) + last)) === "let through",
      );
    expect(passing.join("")).toBe("AQgw");
  });
});

test("16,384 characters are the longest, and far longer ones cost nothing", () => {
  const rest = 16_384 - token(HEADER, "").length;
  const payload = "A".repeat(rest - (rest % 4));
  const longest = (extra: string): string =>
    `${encode(JSON.stringify(HEADER))}.${payload}${extra}.${SIGNATURE}`;
  expect(reasonFor(longest(""))).toBe("let through");
  expect(reasonFor(longest("AAAA"))).toContain("three base64url parts");
  const started = performance.now();
  expect(reasonFor("A.".repeat(5_000_000))).toContain("three base64url parts");
  expect(performance.now() - started).toBeLessThan(200);
});

describe("a header that is not exactly alg, typ and kid is refused", () => {
  const exactly = "the header is not exactly alg, typ and kid";
  const text = JSON.stringify(HEADER);
  const headers: readonly (readonly [string, unknown, string])[] = [
    ["alg none", { ...HEADER, alg: "none" }, "not the issuer's algorithm"],
    ["alg None", { ...HEADER, alg: "None" }, "not the issuer's algorithm"],
    ["alg HS256", { ...HEADER, alg: "HS256" }, "not the issuer's algorithm"],
    ["alg ES256", { ...HEADER, alg: "ES256" }, "not the issuer's algorithm"],
    ["alg Ed448", { ...HEADER, alg: "Ed448" }, "not the issuer's algorithm"],
    ["alg in another case", { ...HEADER, alg: "ed25519" }, "not the issuer's algorithm"],
    ["typ JWT", { ...HEADER, typ: "JWT" }, "wrong typ"],
    ["typ in another case", { ...HEADER, typ: "Agent-Key+JWT" }, "wrong typ"],
    [
      "typ with its media type's prefix",
      { ...HEADER, typ: "application/agent-key+jwt" },
      "wrong typ",
    ],
    ["no typ", { alg: "Ed25519", kid: "k1" }, exactly],
    ["no kid", { alg: "Ed25519", typ: "agent-key+jwt" }, exactly],
    ["no alg", { typ: "agent-key+jwt", kid: "k1" }, exactly],
    ["a kid that is no text", { ...HEADER, kid: 1 }, exactly],
    ["a kid that is null", { ...HEADER, kid: null }, exactly],
    ["a list", [HEADER], exactly],
    ["null", "null", exactly],
    ["a text", '"Ed25519"', exactly],
    ["no JSON", "alg: Ed25519", "the header is not JSON"],
    ["nothing after its object", `${text}x`, "the header is not JSON"],
    ["a space in front", ` ${text}`, exactly],
    ["a space inside", text.replace(",", ", "), exactly],
    ["a byte-order mark", `\ufeff${text}`, "the header is not JSON"],
    ["alg twice, the good one last", text.replace("{", '{"alg":"none",'), exactly],
    ["kid twice", text.replace("}", ',"kid":"k1"}'), exactly],
    ["an escaped member name", text.replace("alg", "\\u0061lg"), exactly],
    ["an escaped value", text.replace("k1", "\\u006b1"), exactly],
    ["three members, one a stranger", { alg: "Ed25519", kid: "k1", jku: "x" }, exactly],
    ["__proto__ for typ", text.replace('"typ"', '"__proto__"'), exactly],
  ];
  test.each(headers)("%s", (_, header, reason) => {
    expect(reasonFor(token(header))).toBe(reason);
  });

  const strangers = {
    crit: ["exp"],
    jku: "https://evil.example/jwks",
    jwk: { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwaaPJHURo" },
    x5u: "https://evil.example/cert",
    x5c: ["MIIB"],
    x5t: "AAAA",
    cty: "JWT",
    b64: "false",
    zip: "DEF",
    enc: "A256GCM",
    iss: "urn:desk",
    constructor: "x",
  };
  test.each(Object.entries(strangers))("one with %s as well", (name, value) => {
    expect(reasonFor(token({ ...HEADER, [name]: value }))).toBe(exactly);
  });
});

test("a token of 16,384 characters is looked at, a longer one is not", () => {
  // With this kid the longest payload is none of the impossible lengths of base64url, nor the next.
  const [header = "", , signature = ""] = token({ ...HEADER, kid: "k" }).split(".");
  const sized = (length: number): string => {
    const room = length - header.length - signature.length - 2;
    return `${header}.${"A".repeat(room)}.${signature}`;
  };
  expect(readHeader(sized(16_384), "Ed25519").typ).toBe("agent-key+jwt");
  expect(() => readHeader(sized(16_385), "Ed25519")).toThrow(AgentKeyError);
});
