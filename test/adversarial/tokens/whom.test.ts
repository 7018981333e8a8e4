import { type AgentKeyErrorCode, memoryStore, verifyKey } from "@agent-keys/core";
import { generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AUDIENCE, type Desk, ISSUER, NOW, openDesk, refused, SERVED } from "./desk.ts";

let desk: Desk;
const open: Desk[] = [];
beforeAll(async () => {
  desk = await openDesk();
  open.push(desk);
});
afterAll(async () => {
  await Promise.all(open.map((one) => one[Symbol.asyncDispose]()));
});

describe("a claim that says for whom, or from whom, signed by the issuer itself", () => {
  const wrong: readonly (readonly [string, object])[] = [
    ["aud: another API", { aud: "https://other.example" }],
    ["aud: only begins alike", { aud: `${AUDIENCE}.evil.example` }],
    ["aud: with a slash", { aud: `${AUDIENCE}/` }],
    ["aud: another case", { aud: AUDIENCE.toUpperCase() }],
    ["aud: a list of the right one", { aud: [AUDIENCE] }],
    ["aud: a list with it", { aud: ["https://other.example", AUDIENCE] }],
    ["aud: an object that prints as it", { aud: { toString: AUDIENCE } }],
    ["aud: empty", { aud: "" }],
    ["aud: missing", { aud: undefined }],
    ["aud: a wildcard", { aud: "*" }],
    ["iss: another issuer", { iss: "urn:other" }],
    ["iss: a list", { iss: [ISSUER] }],
    ["iss: missing", { iss: undefined }],
    ["iss: null", { iss: null }],
    ["iss: with a space", { iss: `${ISSUER} ` }],
    ["azp instead", { aud: undefined, azp: AUDIENCE }],
    ["cnf, which is not built", { cnf: { jkt: "x" } }],
    ["act: missing", { act: undefined }],
    ["act: a name", { act: "bot" }],
    ["act: with more", { act: { sub: "bot", iss: "urn:other" } }],
    ["sub: missing", { sub: undefined }],
    ["v: another version", { v: 2 }],
    ["v: as text", { v: "1" }],
  ];
  test.each(wrong)("%s", async (_, claims) => {
    expect(await desk.attempt(desk.forge({ ...desk.parts().claims, ...claims }))).toEqual(
      refused(),
    );
  });

  test("control: the claims as they are", async () => {
    expect(await desk.attempt(desk.forge(desk.parts().claims))).toEqual(SERVED);
  });
});

test("a key for one API is worth nothing at another of the same issuer", async () => {
  const other = await openDesk({ signingKey: desk.privateKey, audience: "https://mail.example" });
  open.push(other);
  const token = other.keys.mint("tickets:read").token;
  expect(await other.attempt(token)).toEqual(SERVED);
  expect(await desk.attempt(token)).toEqual(refused());
});

test("a tenant's key is worth nothing at another's, though kid, audience and scope are the same", async () => {
  const jwk = () => ({
    ...generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" }),
    kid: "k1",
  });
  const [acme, evil, liar] = await Promise.all([
    openDesk({ signingKey: jwk(), issuer: "urn:acme" }),
    openDesk({ signingKey: jwk(), issuer: "urn:evil" }),
    // One that says it is the other.
    openDesk({ signingKey: jwk(), issuer: "urn:acme" }),
  ]);
  open.push(acme, evil, liar);
  expect(await acme.attempt(acme.keys.mint("tickets:read").token)).toEqual(SERVED);
  for (const other of [evil, liar]) {
    expect(await acme.attempt(other.keys.mint("tickets:read").token)).toEqual(refused());
    expect(await other.attempt(acme.keys.mint("tickets:read").token)).toEqual(refused());
  }
});

test("issuers that share a key are still told apart by name", async () => {
  const other = await openDesk({ signingKey: desk.privateKey, issuer: "urn:other" });
  open.push(other);
  expect(await desk.attempt(other.keys.mint("tickets:read").token)).toEqual(refused());
});

/** State is kept by `(iss, jti)`: two issuers of one store may give the same id, one of them on purpose. */
describe("the same id from two issuers that share a store", () => {
  const names = ["urn:acme", "urn:evil"] as const;
  const set = async () => {
    const store = memoryStore({ now: () => NOW });
    const [acme, evil] = await Promise.all(
      names.map((issuer) => openDesk({ issuer, store, now: () => NOW })),
    );
    if (acme === undefined || evil === undefined) throw new Error("two desks were opened");
    open.push(acme, evil);
    const { claims } = acme.parts();
    const grants = {
      authorization_details: [{ type: "agent_key", actions: ["tickets:read"], uses: 1 }],
    };
    const tokens = {
      acme: acme.forge({ ...claims, ...grants }),
      evil: evil.forge({ ...claims, ...grants, iss: "urn:evil" }),
    };
    const use = async (desk: Desk, token: string): Promise<AgentKeyErrorCode | "served"> => {
      const request = { scope: "tickets:read" };
      return desk.keys.verify(token, { request, consume: true }).then(
        () => "served",
        (error: { code: AgentKeyErrorCode }) => error.code,
      );
    };
    return { acme, evil, tokens, use, id: String(claims["jti"]) };
  };

  test("a use of one is not a use of the other", async () => {
    const { acme, evil, tokens, use } = await set();
    expect(await use(evil, tokens.evil)).toBe("served");
    expect(await use(evil, tokens.evil)).toBe("key_used_up");
    expect(await use(acme, tokens.acme)).toBe("served");
    expect(await use(acme, tokens.acme)).toBe("key_used_up");
  });

  test("an issuer revokes its own and not the other's", async () => {
    const { acme, evil, tokens, use, id } = await set();
    await evil.keys.revoke({ id });
    await evil.keys.revoke({ agent: "bot" });
    await evil.keys.revoke({ all: true });
    await expect(evil.keys.revoke({ issuer: "urn:acme" })).rejects.toThrow(TypeError);
    expect(await use(evil, tokens.evil)).toBe("key_revoked");
    expect(await use(acme, tokens.acme)).toBe("served");
  });

  test("a token used up in one text is used up in every text that verifies", async () => {
    const { acme, tokens, use } = await set();
    expect(await use(acme, tokens.acme)).toBe("served");
    const [header = "", payload = ""] = tokens.acme.split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as object;
    const other = Object.fromEntries(Object.entries(claims).toReversed());
    const reordered = acme.forge(other, JSON.parse(Buffer.from(header, "base64url").toString()));
    expect(reordered).not.toBe(tokens.acme);
    expect(await use(acme, reordered)).toBe("key_used_up");
  });
});

test("a verifier that was not told who it is refuses to be one", async () => {
  const token = desk.keys.mint("tickets:read").token;
  const good = {
    jwks: desk.keys.jwks(),
    issuer: ISSUER,
    audience: AUDIENCE,
    request: undefined,
    now: () => NOW,
  };
  let bodies = 0;
  const serve = async (over: object): Promise<void> => {
    await verifyKey(token, { ...good, ...over });
    bodies += 1;
  };
  for (const over of [
    { issuer: "" },
    { audience: "" },
    { issuer: undefined },
    { audience: undefined },
  ]) {
    await expect(serve(over)).rejects.toThrow(TypeError);
  }
  expect(bodies).toBe(0);
  await serve({});
  expect(bodies).toBe(1);
});
