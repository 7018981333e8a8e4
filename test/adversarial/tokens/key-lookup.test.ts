import { AgentKeyError, verifyKey, type VerifyKeyOptions } from "@agent-keys/core";
import { generateKeyPairSync } from "node:crypto";
import { createServer, type RequestListener } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  AUDIENCE,
  type Desk,
  encode,
  ISSUER,
  listen,
  NOW,
  openDesk,
  refused,
  SERVED,
} from "./desk.ts";

const stranger = generateKeyPairSync("ed25519");
const strangersJwk = stranger.publicKey.export({ format: "jwk" });

let desk: Desk;
const open: AsyncDisposable[] = [];
beforeAll(async () => {
  desk = await openDesk();
});
afterAll(async () => {
  await Promise.all([desk, ...open].map((one) => one[Symbol.asyncDispose]()));
});

/** A server on loopback that counts who asks it. */
async function serve(answer: RequestListener): Promise<{ url: string; asked: () => number }> {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    answer(request, response);
  });
  const url = await listen(server);
  open.push({
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  });
  return { url, asked: () => asked };
}

test("control: the issuer's own kid is found, a stranger's is not", async () => {
  const { header, claims } = desk.parts();
  expect(await desk.attempt(desk.forge(claims, header))).toEqual(SERVED);
  expect(await desk.attempt(desk.forge(claims, header, stranger.privateKey))).toEqual(refused());
});

describe("a kid that means something to a file system, a database, a URL or JavaScript", () => {
  const lists: readonly unknown[][] = [
    "../../../../dev/null|/dev/null|/etc/passwd|file:///dev/null|C:\\nul|.".split("|"),
    "' OR '1'='1|k'; DROP TABLE keys; --|1 UNION SELECT 'x'|%|*|k1\u0000".split("|"),
    "https://evil.example/jwks.json|//evil.example|data:,x|$(id)|`id`".split("|"),
    "__proto__|constructor|toString|hasOwnProperty|0|length|| ".split("|"),
    [null, 0, true, {}, [], ["k1"], { toString: "k1" }, "k".repeat(10_000)],
  ];
  const kids = lists.flat();
  test.each(kids.map((kid) => [JSON.stringify(kid).slice(0, 60), kid] as const))(
    "%s",
    async (_, kid) => {
      const { header, claims } = desk.parts();
      // By whoever has no key, and by the issuer itself.
      for (const key of [stranger.privateKey, desk.privateKey]) {
        const token = desk.forge(claims, { ...header, kid }, key);
        expect(await desk.attempt(token)).toEqual(refused());
      }
    },
  );

  test("a kid that is the issuer's own but for case, space or form", async () => {
    const { header, claims } = desk.parts();
    const kid = String(header["kid"]);
    const near = [` ${kid}`, `${kid} `, kid.toLowerCase(), `${kid}\u0000`, kid.slice(1), `${kid}/`];
    for (const one of [...near, encodeURIComponent(`${kid}/..`), encode(kid)]) {
      expect(await desk.attempt(desk.forge(claims, { ...header, kid: one }))).toEqual(refused());
    }
  });
});

describe("a header that brings, or points at, its own key", () => {
  test.each(["jku", "x5u", "jwks_uri", "iss", "url"])("%s: nobody is asked", async (member) => {
    const set = { keys: [{ ...strangersJwk, kid: "k9" }] };
    const evil = await serve((_, response) => response.end(JSON.stringify(set)));
    const { header, claims } = desk.parts();
    for (const kid of ["k9", header["kid"]]) {
      for (const key of [stranger.privateKey, desk.privateKey]) {
        const token = desk.forge(claims, { ...header, kid, [member]: evil.url }, key);
        expect(await desk.attempt(token)).toEqual(refused());
      }
    }
    expect(evil.asked()).toBe(0);
  });

  test.each(["jwk", "x5c", "x5t", "x5t#S256", "epk"])("%s", async (member) => {
    const { header, claims } = desk.parts();
    const der = stranger.publicKey.export({ format: "der", type: "spki" }).toString("base64");
    const value = { jwk: strangersJwk, epk: strangersJwk, x5c: [der] }[member] ?? encode(der);
    for (const key of [stranger.privateKey, desk.privateKey]) {
      const token = desk.forge(claims, { ...header, [member]: value }, key);
      expect(await desk.attempt(token)).toEqual(refused());
    }
  });
});

describe("a key set behind a URL", () => {
  let bodies = 0;
  const use = async (token: string, jwks: string): Promise<string> => {
    const accepted: VerifyKeyOptions = {
      jwks,
      issuer: ISSUER,
      audience: AUDIENCE,
      request: undefined,
      now: () => NOW,
    };
    try {
      await verifyKey(token, accepted);
    } catch (error) {
      if (error instanceof AgentKeyError) return error.code;
      throw error;
    }
    bodies += 1;
    return "served";
  };

  test("is asked once, not once for each unknown kid that somebody makes up", async () => {
    const jwks = await serve((_, response) => response.end(JSON.stringify(desk.keys.jwks())));
    const { header, claims } = desk.parts();
    expect(await use(desk.forge(), jwks.url)).toBe("served");
    const unknown = Array.from({ length: 200 }, (_, at) =>
      desk.forge(claims, { ...header, kid: `made-up-${at}` }, stranger.privateKey),
    );
    const codes = await Promise.all(unknown.map((token) => use(token, jwks.url)));
    expect(new Set(codes)).toEqual(new Set(["token_invalid"]));
    expect(bodies).toBe(1);
    expect(jwks.asked()).toBeLessThanOrEqual(2);
  });

  const set = (kid: unknown): string => JSON.stringify({ keys: [{ ...strangersJwk, kid }] });
  const answers: Record<string, RequestListener> = {
    "an error": (_, response) => response.writeHead(500).end(),
    "no JSON": (_, response) => response.end("<html>"),
    "no key set": (_, response) => response.end("[]"),
    "no answer": (request) => request.socket.destroy(),
  };
  test.each(Object.keys(answers))("that gives %s refuses, and says why", async (name) => {
    bodies = 0;
    const down = await serve(answers[name] as RequestListener);
    expect(await use(desk.forge(), down.url)).toBe("issuer_unavailable");
    expect(down.asked()).toBe(1);
    expect(bodies).toBe(0);
  });

  test("that sends elsewhere is not followed", async () => {
    bodies = 0;
    const { header, claims } = desk.parts();
    const evil = await serve((_, response) => response.end(set(header["kid"])));
    const moved = await serve((_, response) =>
      response.writeHead(302, { location: evil.url }).end(),
    );
    const token = desk.forge(claims, header, stranger.privateKey);
    expect(await use(token, moved.url)).toBe("issuer_unavailable");
    expect([moved.asked(), evil.asked(), bodies]).toEqual([1, 0, 0]);
    // It would have been served from there.
    expect(await use(token, evil.url)).toBe("served");
  });
});

test("a retired key is gone, for what it signed and for what was delegated from that", async () => {
  const rotating = await openDesk();
  open.push(rotating);
  const { keys } = rotating;
  const parent = keys.mint("tickets:read");
  const [old] = keys.jwks().keys;
  keys.rotate();
  const child = keys.for({ agent: "helper", parent }).mint("tickets:read");
  const verify = (token: string): Promise<unknown> => keys.verify(token);
  await expect(verify(parent.token)).resolves.toBeDefined();
  await expect(verify(child.token)).resolves.toBeDefined();
  keys.retire(old?.kid ?? "");
  await expect(verify(parent.token)).rejects.toMatchObject({ code: "token_invalid" });
  await expect(verify(child.token)).rejects.toMatchObject({ code: "token_invalid" });
});
