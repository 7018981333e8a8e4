import { AgentKeyError, verifyKey } from "@agent-keys/core";
import { type CryptoKey, importJWK } from "jose";
import { createPublicKey, verify } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { AUDIENCE, type Desk, encode, ISSUER, NOW, openDesk } from "./desk.ts";
import { type Ed25519Vectors, type SignatureVector, wycheproof } from "./vectors.ts";

const file = wycheproof("ed25519.json") as Ed25519Vectors | undefined;
const vectors = (file?.testGroups ?? []).flatMap(({ publicKeyJwk: { kty, crv, x }, tests }) =>
  tests.map((vector) => ({ ...vector, jwk: { kty, crv, x } })),
);
type Vector = SignatureVector & { readonly jwk: { kty: string; crv: string; x: string } };

describe.skipIf(file === undefined)("Wycheproof's Ed25519 vectors", () => {
  let desk: Desk;
  beforeAll(async () => {
    desk = await openDesk();
  });
  afterAll(() => desk[Symbol.asyncDispose]());

  /**
   * A vector signs a text of its own choice, and a verifier only ever looks at `header.payload`. None of
   * the texts has that form, so that none can be presented as it is.
   */
  test("are there, and no text of theirs could be a token's", () => {
    expect(vectors.length).toBeGreaterThanOrEqual(151);
    const texts = vectors.map(({ msg }) => Buffer.from(msg, "hex").toString("latin1"));
    expect(texts.filter((text) => /^[\w-]+\.[\w-]+$/.test(text))).toEqual([]);
  });

  /** Of the two primitives a verifier of these tokens may rest on, neither is lenient. */
  test("are decided alike, and rightly, by jose's primitive (WebCrypto) and by node:crypto", async () => {
    const wrong: string[] = [];
    for (const { tcId, comment, msg, sig, result, jwk } of vectors) {
      const [text, signature] = [Buffer.from(msg, "hex"), Buffer.from(sig, "hex")];
      const expected = result === "valid";
      const nodes = verify(null, text, createPublicKey({ key: jwk, format: "jwk" }), signature);
      const key = (await importJWK(jwk, "Ed25519")) as CryptoKey;
      const joses = await crypto.subtle.verify("Ed25519", key, signature, text);
      if (nodes !== expected) wrong.push(`node:crypto on ${tcId}: ${comment}`);
      if (joses !== expected) wrong.push(`WebCrypto on ${tcId}: ${comment}`);
    }
    expect(wrong).toEqual([]);
  });

  /**
   * Everything of our verifier runs, over a token whose signature and key are the vector's. Only the
   * text is exchanged for the vector's own, where `jose` hands it to the primitive. So valid ones
   * must be served, invalid ones refused, and those of a wrong length before any cryptography.
   */
  test("decide through our own verify, with nothing but the signed text exchanged", async () => {
    const primitive = crypto.subtle.verify.bind(crypto.subtle);
    let exchanged = 0;
    const wrong: string[] = [];
    const served = { valid: 0, invalid: 0 };
    for (const vector of vectors) {
      const before = exchanged;
      const spy = vi
        .spyOn(crypto.subtle, "verify")
        .mockImplementation((algorithm, key, signature) => {
          exchanged += 1;
          return primitive(algorithm, key, signature, Buffer.from(vector.msg, "hex"));
        });
      const verdict = await present(desk, vector);
      spy.mockRestore();
      const length = vector.sig.length / 2;
      const asked = exchanged - before;
      const expected = vector.result === "valid" ? "served" : "token_invalid";
      if (verdict === "served") served[vector.result] += 1;
      if (verdict !== expected || asked !== (length === 64 ? 1 : 0)) {
        wrong.push(`${vector.tcId}, ${vector.comment}: ${verdict}, primitive asked ${asked} times`);
      }
    }
    expect(wrong).toEqual([]);
    expect(served).toEqual({
      valid: vectors.filter(({ result }) => result === "valid").length,
      invalid: 0,
    });
    expect(served.valid).toBeGreaterThan(80);
  });

  /** Nothing exchanged: what is valid for its own text is invalid on a token, like all others. */
  test("none is accepted when its signature is transplanted onto a token", async () => {
    const verdicts = await Promise.all(vectors.map((vector) => present(desk, vector)));
    expect(new Set(verdicts)).toEqual(new Set(["token_invalid"]));
  });
});

/** An API that accepts tokens signed by the vector's key: `"served"` when its body ran. */
async function present(desk: Desk, { jwk, sig }: Vector): Promise<string> {
  const { header, claims } = desk.parts();
  const token = `${encode({ ...header, kid: "k1" })}.${encode(claims)}.${encode(Buffer.from(sig, "hex"))}`;
  let bodies = 0;
  try {
    await verifyKey(token, {
      jwks: { keys: [{ ...jwk, kid: "k1" }] },
      issuer: ISSUER,
      audience: AUDIENCE,
      request: undefined,
      now: () => NOW,
    });
    bodies += 1;
  } catch (error) {
    if (!(error instanceof AgentKeyError) || bodies > 0) throw error;
    return error.code;
  }
  return "served";
}
