import { decodeProtectedHeader, importJWK, jwtVerify } from "jose";
import { describe, expect, test } from "vitest";
import { testKeys } from "../testing/index.ts";
import type { Claims } from "./claims.ts";
import { signToken } from "./sign.ts";
import { generateSigningKey } from "./signing-key.ts";

const START = Date.UTC(2026, 0, 1) / 1000;

function payload(token: string): unknown {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
}

describe("the token on the wire", () => {
  test("has exactly alg, typ and kid in its header", () => {
    const keys = testKeys();
    const { token } = keys.mint("tickets:read");
    const [header = ""] = token.split(".");
    const kid = keys.jwks().keys[0]?.kid;
    expect(Buffer.from(header, "base64url").toString()).toBe(
      JSON.stringify({ alg: "Ed25519", typ: "agent-key+jwt", kid }),
    );
  });

  test("has exactly the claims that are due, where little is known", () => {
    const keys = testKeys({ issuer: "urn:desk" });
    const key = keys.mint("tickets:read");
    expect(payload(key.token)).toStrictEqual({
      v: 1,
      iss: "urn:desk",
      aud: "urn:desk",
      sub: "test-agent",
      act: { sub: "test-agent" },
      iat: START,
      nbf: START,
      exp: START + 10,
      jti: key.id,
      scope: "tickets:read",
      authorization_details: [{ type: "agent_key", actions: ["tickets:read"] }],
    });
  });

  test("has them all, where all is known, with RFC 9396 authorization details", () => {
    const keys = testKeys({ issuer: "urn:desk", audience: "https://tickets.example" });
    const grants = [
      { scope: "tickets:reply", where: { ticketId: 7 }, only: true, uses: 1, expiresIn: "30s" },
      { scope: "tickets:read", where: { owner: { in: ["ada", "bob"] } }, expiresIn: 1.5 },
    ] as const;
    const parent = keys.mint(grants, { user: "ada", txn: "run-1" });
    const key = keys.for({ agent: "helper", parent }).mint(grants);
    const { kid } = decodeProtectedHeader(parent.token);
    expect(payload(key.token)).toStrictEqual({
      v: 1,
      iss: "urn:desk",
      aud: "https://tickets.example",
      sub: "ada",
      act: { sub: "helper", act: { sub: "test-agent" } },
      iat: START,
      nbf: START,
      exp: START + 1.5,
      jti: key.id,
      txn: "run-1",
      scope: "tickets:reply tickets:read",
      authorization_details: [
        {
          type: "agent_key",
          actions: ["tickets:reply"],
          constraints: { ticketId: 7 },
          only: true,
          uses: 1,
        },
        {
          type: "agent_key",
          actions: ["tickets:read"],
          constraints: { owner: { in: ["ada", "bob"] } },
        },
      ],
      parent: {
        iss: "urn:desk",
        jti: parent.id,
        kid,
        scope: "tickets:reply tickets:read",
        iat: START,
        exp: START + 1.5,
        grants: [0, 1],
        uses: [1, null],
      },
    });
  });

  test("carries 128 random bits as its id", () => {
    const keys = testKeys();
    const ids = Array.from({ length: 200 }, () => keys.mint("tickets:read").id);
    expect(new Set(ids).size).toBe(200);
    for (const id of ids) expect(Buffer.from(id, "base64url")).toHaveLength(16);
  });

  test("verifies with plain jose, the algorithm pinned", async () => {
    const keys = testKeys({ audience: "https://tickets.example", issuer: "urn:desk" });
    const key = keys.mint("tickets:read", { user: "ada" });
    const [jwk] = keys.jwks().keys;
    const { payload: claims } = await jwtVerify(key.token, await importJWK({ ...jwk! }), {
      algorithms: ["Ed25519"],
      typ: "agent-key+jwt",
      issuer: "urn:desk",
      audience: "https://tickets.example",
      currentDate: new Date(keys.clock.now()),
      requiredClaims: ["exp", "iat", "nbf", "jti", "sub"],
    });
    expect(claims).toMatchObject({ jti: key.id, sub: "ada", scope: "tickets:read" });
  });

  test("is signed with the key that is given, each under its own kid", () => {
    const claims = { jti: "x" } as Claims;
    const [one, two] = [generateSigningKey(), generateSigningKey()];
    const kids = [one, two, one].map((key) => decodeProtectedHeader(signToken(claims, key)).kid);
    expect(kids).toEqual([one.kid, two.kid, one.kid]);
  });
});
