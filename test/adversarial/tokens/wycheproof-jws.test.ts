import { AgentKeyError, verifyKey } from "@agent-keys/core";
import { jwtVerify } from "jose";
import { createHmac, sign } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AUDIENCE, type Desk, encode, ISSUER, NOW, openDesk, refused, SERVED } from "./desk.ts";
import {
  base64Malformations,
  compactMalformations,
  type Malform,
  type Parts,
} from "./jws-malformations.ts";
import { type JwsVector, type JwsVectors, wycheproof } from "./vectors.ts";

const file = wycheproof("json_web_signature.json") as JwsVectors | undefined;
const group = (comment: string) =>
  (file?.testGroups ?? []).filter((one) => one.comment === comment);

/** The file has no Ed25519, so what it does to its tokens is done to ours. */
describe.skipIf(file === undefined)("Wycheproof's JWS vectors, re-keyed to Ed25519", () => {
  let desk: Desk;
  const joseAccepts: string[] = [];
  beforeAll(async () => {
    desk = await openDesk();
  });
  afterAll(async () => {
    console.log(`wycheproof-jws: jose alone, algorithm pinned, accepts ${joseAccepts.length}:`);
    console.log(joseAccepts.map((name) => `  ${name}`).join("\n"));
    await desk[Symbol.asyncDispose]();
  });

  const compact = ["hs256", "es256", "rs256"].flatMap((comment) => {
    const [first] = group(comment);
    return (first?.tests ?? []).map((vector) => ({ vector, valid: first?.tests[0] }));
  });
  const known = compact.filter(({ vector }) => Object.hasOwn(compactMalformations, vector.comment));

  test("the compact forms are all here", () => {
    expect(known.length).toBe(43);
    expect(new Set(known.map(({ vector }) => vector.comment))).toEqual(
      new Set(Object.keys(compactMalformations)),
    );
  });

  test.each(known)("compact form $vector.tcId: $vector.comment", async ({ vector, valid }) => {
    const malform = compactMalformations[vector.comment] as Malform;
    // Done to the vector's own valid token it gives the vector: it is the same malformation.
    expect(malform(partsOf(valid?.jws ?? "", () => ""))).toBe(vector.jws);
    await judge(vector, malform(ownParts()));
  });

  const base64 = group("base64").flatMap(({ tests, private: key }) =>
    tests.map((vector) => ({ vector, tests, key })),
  );

  test("the base64 cases are all here", () => {
    expect(base64.map(({ vector }) => String(vector.tcId))).toEqual(
      Object.keys(base64Malformations),
    );
  });

  test.each(base64)("base64 $vector.tcId: $vector.comment", async ({ vector, tests, key }) => {
    const { of: from, malform, lost } = base64Malformations[vector.tcId] as Entry;
    const mac = (text: string): string =>
      createHmac("sha256", Buffer.from(String(key["k"]), "base64url"))
        .update(text)
        .digest("base64url");
    const base = tests.find(({ tcId }) => tcId === from)?.jws ?? signed(from as string, mac);
    const remade = malform(partsOf(base, mac));
    // The file lost the padding that two of its cases are named after: they are valid. Ours have it.
    expect(lost === true ? base : remade).toBe(vector.jws);
    await judge(vector, malform(ownParts()));
  });

  test.each(
    group("ps512").flatMap(({ tests }) => tests.filter((one) => one.comment === "algIsNone")),
  )("$tcId: $comment", async (vector) => {
    const [header = "{}"] = vector.jws.split(".").map((part) => decode(part));
    const own = ownParts();
    const kid = (JSON.parse(decode(own.header)) as { kid: string }).kid;
    const rekeyed = encode(header.replace("PS512_2048", kid));
    expect(await desk.attempt(`${rekeyed}.${own.payload}.`)).toEqual(refused());
    expect(await desk.attempt(`${rekeyed}.${own.payload}.${own.signature}`)).toEqual(refused());
  });

  const forEncryption = [...group("rsa_encryption"), ...group("ec_key_for_encryption")];
  test.each(forEncryption)("a key for encryption does not verify: $comment", async (one) => {
    const { use, key_ops } = one.private as { use?: string; key_ops?: string[] };
    const [own] = desk.keys.jwks().keys;
    const meant = use === undefined ? { key_ops, use: undefined } : { use };
    const jwk = { ...own, ...meant } as { kty: string };
    let bodies = 0;
    const serve = async (keys: { kty: string }[]): Promise<void> => {
      const accepted = { issuer: ISSUER, audience: AUDIENCE, request: undefined, now: () => NOW };
      await verifyKey(desk.forge(), { jwks: { keys }, ...accepted });
      bodies += 1;
    };
    await expect(serve([jwk])).rejects.toBeInstanceOf(AgentKeyError);
    expect(bodies).toBe(0);
    await serve([own as { kty: string }]);
    expect(bodies).toBe(1);
  });

  /** No false accept, and of what the file calls valid only what is strictly a token. */
  async function judge({ tcId, comment, result }: JwsVector, token: string): Promise<void> {
    const untouched = /^(acceptsValid|ValidMac|ValidEdgeCaseMac)$/.test(comment);
    expect([untouched, result]).not.toEqual([true, "invalid"]);
    expect(await desk.attempt(token)).toEqual(untouched ? SERVED : refused());
    if (!untouched && (await isAcceptedByJose(token)))
      joseAccepts.push(`${tcId} ${comment} (${result})`);
  }

  async function isAcceptedByJose(token: string): Promise<boolean> {
    const options = { algorithms: ["Ed25519"], currentDate: new Date(NOW) };
    return jwtVerify(token, desk.publicKey, options).then(
      () => true,
      () => false,
    );
  }

  /** Of a token whose payload has spare bits in its last character. */
  function ownParts(): Parts {
    const ed25519 = (text: string): string =>
      sign(null, Buffer.from(text), desk.privateKey).toString("base64url");
    const { header, claims } = desk.parts();
    const names = ["c", "ca", "cal"].map((call) => encode({ ...claims, call }));
    const payload = names.find((text) => text.length % 4 !== 0) ?? "";
    return partsOf(signed(`${encode(header)}.${payload}`, ed25519), ed25519);
  }
});

type Entry = (typeof base64Malformations)[number];

function partsOf(token: string, signText: (text: string) => string): Parts {
  const [header = "", payload = "", signature = ""] = token.split(".");
  return { header, payload, signature, sign: signText };
}

function signed(text: string, signText: (text: string) => string): string {
  return `${text}.${signText(text)}`;
}

function decode(part: string): string {
  return Buffer.from(part, "base64url").toString();
}
