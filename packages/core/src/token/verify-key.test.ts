import { generateKeyPairSync } from "node:crypto";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AgentKeyError } from "../errors.ts";
import { memoryStore } from "../store/memory-store.ts";
import { testKeys } from "../testing/index.ts";
import type { VerifiedKey } from "./verified-key.ts";
import { verifyKey, type VerifyKeyOptions } from "./verify-key.ts";

const keys = testKeys({ issuer: "urn:desk", audience: "https://tickets.example" });
const now = () => keys.clock.now();
const options: VerifyKeyOptions = {
  jwks: keys.jwks(),
  issuer: "urn:desk",
  audience: "https://tickets.example",
  request: undefined,
  now,
};

async function verdict(token: string, over: Partial<VerifyKeyOptions> = {}): Promise<string> {
  try {
    await verifyKey(token, { ...options, ...over });
    return "accepted";
  } catch (error) {
    if (!(error instanceof AgentKeyError)) throw error;
    return error.code;
  }
}

const { token } = keys.mint("tickets:read");

describe("with the key set at hand", () => {
  test("a key is verified, and described", async () => {
    const key = keys.mint("tickets:read", { user: "ada" });
    expect(await verifyKey(key.token, options)).toMatchObject({
      id: key.id,
      agent: "test-agent",
      user: "ada",
    });
  });

  test("a request that it does not allow is refused", async () => {
    expect(await verdict(token, { request: { scope: "tickets:read" } })).toBe("accepted");
    expect(await verdict(token, { request: { scope: "tickets:reply" } })).toBe(
      "insufficient_scope",
    );
  });

  test("another issuer, another audience, no token", async () => {
    expect(await verdict(token, { issuer: "urn:other" })).toBe("token_invalid");
    expect(await verdict(token, { audience: "https://other.example" })).toBe("token_invalid");
    expect(await verdict(undefined as never)).toBe("token_invalid");
  });

  test("a key that was taken out of the caller's own set is refused from then on", async () => {
    const jwks = { keys: [...keys.jwks().keys] };
    expect(await verdict(token, { jwks })).toBe("accepted");
    jwks.keys.pop();
    expect(await verdict(token, { jwks })).toBe("token_invalid");
  });

  test("an algorithm that the set's key is not for is refused", async () => {
    const [key] = keys.jwks().keys;
    expect(await verdict(token, { jwks: { keys: [{ ...key!, alg: "EdDSA" }] } })).toBe(
      "token_invalid",
    );
    expect(await verdict(token, { jwks: { keys: [{ ...key!, use: "enc" }] } })).toBe(
      "token_invalid",
    );
    expect(await verdict(token, { algorithm: "EdDSA" })).toBe("token_invalid");
  });

  test("a set whose key is ambiguous, private or broken verifies nothing", async () => {
    const [key] = keys.jwks().keys;
    const secret = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
    for (const bad of [[key!, key!], [{ ...secret, kid: key!.kid }], [{ ...key!, x: "AA" }]]) {
      expect(await verdict(token, { jwks: { keys: bad } as never })).toBe("issuer_unavailable");
    }
  });
});

describe("options that are wrong are a TypeError that names them:", () => {
  const wrong: readonly (readonly [string, object, string])[] = [
    ["no issuer", { issuer: undefined }, "issuer must be a non-empty string"],
    ["an empty audience", { audience: "" }, "audience must be a non-empty string"],
    ["audiences", { audience: ["a"] }, "audience must be a non-empty string"],
    [
      "an algorithm that is no signature",
      { algorithm: "HS256" },
      'algorithm must be "Ed25519" or "EdDSA"',
    ],
    ["no algorithm", { algorithm: "none" }, 'algorithm must be "Ed25519" or "EdDSA"'],
    ["isLive that is no function", { isLive: true }, "isLive must be a function"],
    ["a clock that is no function", { now: 1 }, "now must be a function"],
    ["a store that is none", { store: {} }, "store: must have keys and uses"],
    ["half a store", { store: { keys: memoryStore().keys } }, "store: must have keys and uses"],
    ["no key set", { jwks: undefined }, "jwks must be a JWKS or the URL of one"],
    ["a key set of no keys", { jwks: { keys: [null] } }, "jwks must be a JWKS or the URL of one"],
    ["a path", { jwks: "/etc/jwks.json" }, "jwks must be an https URL"],
    ["http beyond loopback", { jwks: "http://issuer.example/jwks" }, "jwks must be an https URL"],
    [
      "http to what begins like loopback",
      { jwks: "http://127.0.0.1.example/" },
      "jwks must be an https URL",
    ],
    [
      "http behind a user name",
      { jwks: "http://localhost@issuer.example/" },
      "jwks must be an https URL",
    ],
    ["a user name", { jwks: "https://ada@issuer.example/" }, "must not hold a user name"],
    ["a password", { jwks: "https://:pa55@issuer.example/" }, "must not hold a user name"],
    ["a file on loopback", { jwks: "file://localhost/jwks.json" }, "jwks must be an https URL"],
    ["ftp on loopback", { jwks: "ftp://127.0.0.1/jwks" }, "jwks must be an https URL"],
    ["a file", { jwks: new URL("file:///etc/jwks.json") }, "jwks must be an https URL"],
    ["data", { jwks: "data:application/json,{}" }, "jwks must be an https URL"],
    [
      "a password in the URL",
      { jwks: "https://ada:pa55@issuer.example/" },
      "jwks must not hold a user",
    ],
    ["consume without a request", { consume: true }, "consume: needs the request"],
  ];
  test.each(wrong)("%s", async (_, over, message) => {
    const error: unknown = await verifyKey(token, { ...options, ...over }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).not.toContain("pa55");
  });
});

describe("over HTTP", () => {
  let server: Server;
  let respond: RequestListener;
  const paths: (string | undefined)[] = [];
  let origin: string;
  const serve = (set: unknown) => {
    respond = (_, response) => response.end(JSON.stringify(set));
  };

  beforeEach(async () => {
    paths.length = 0;
    serve(keys.jwks());
    server = createServer((request, response) => {
      paths.push(request.url);
      respond(request, response);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    vi.useRealTimers();
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });

  test("the set is fetched once, for many tokens at a time and in a row", async () => {
    const jwks = `${origin}/jwks`;
    const many = await Promise.all(Array.from({ length: 20 }, () => verdict(token, { jwks })));
    expect(new Set([...many, await verdict(token, { jwks: new URL(jwks) })])).toEqual(
      new Set(["accepted"]),
    );
    expect(paths).toEqual(["/jwks"]);
  });

  test("it is fetched again for an unknown kid, but not at every one", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const issuer = testKeys({ issuer: "urn:desk", audience: "https://tickets.example" });
    const jwks = `${origin}/rotating`;
    serve(issuer.jwks());
    expect(await verdict(issuer.mint("tickets:read").token, { jwks })).toBe("accepted");
    issuer.rotate();
    serve(issuer.jwks());
    const rotated = issuer.mint("tickets:read").token;
    expect(await verdict(rotated, { jwks })).toBe("token_invalid");
    expect(paths).toHaveLength(1);
    vi.setSystemTime(Date.now() + 30_001);
    expect(await verdict(rotated, { jwks })).toBe("accepted");
    expect(paths).toHaveLength(2);
  });

  test("a key that the issuer took out is refused once the kept set is 10 minutes old", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const issuer = testKeys({ issuer: "urn:desk", audience: "https://tickets.example" });
    const jwks = `${origin}/retired`;
    serve(issuer.jwks());
    const old = issuer.mint("tickets:read").token;
    expect(await verdict(old, { jwks })).toBe("accepted");
    const [signing] = issuer.jwks().keys;
    issuer.rotate();
    issuer.retire(signing!.kid);
    serve(issuer.jwks());
    vi.setSystemTime(Date.now() + 600_001);
    expect(await verdict(old, { jwks })).toBe("token_invalid");
  });

  test("a set that was fetched serves while the issuer is down", async () => {
    const jwks = `${origin}/down-later`;
    expect(await verdict(token, { jwks })).toBe("accepted");
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
    expect(await verdict(token, { jwks })).toBe("accepted");
    expect(await verdict(token, { jwks: `${origin}/never-fetched` })).toBe("issuer_unavailable");
  });

  const failures: readonly (readonly [string, RequestListener])[] = [
    ["a 500", (_, response) => response.writeHead(500).end("{}")],
    ["a 404", (_, response) => response.writeHead(404).end("{}")],
    ["no JSON", (_, response) => response.end("<html>")],
    ["JSON of something else", (_, response) => response.end('{"keys":7}')],
    ["a cut body", (request, response) => response.write("{", () => request.socket.destroy())],
    ["a closed connection", (request) => request.socket.destroy()],
  ];
  test.each(failures)(
    "%s is issuer_unavailable, and may be tried again",
    async (name, listener) => {
      respond = listener;
      const jwks = `${origin}/${encodeURIComponent(name)}`;
      const error: unknown = await verifyKey(token, { ...options, jwks }).catch((e: unknown) => e);
      expect(error).toMatchObject({ code: "issuer_unavailable", retryable: true });
      serve(keys.jwks());
      expect(await verdict(token, { jwks })).toBe("accepted");
    },
  );

  test.each([301, 302, 307, 308])("a redirect (%i) is not followed", async (status) => {
    respond = (request, response) => {
      if (request.url === "/elsewhere") response.end(JSON.stringify(keys.jwks()));
      else response.writeHead(status, { location: `${origin}/elsewhere` }).end();
    };
    expect(await verdict(token, { jwks: `${origin}/${status}` })).toBe("issuer_unavailable");
    expect(paths).toEqual([`/${status}`]);
  });

  test("a token whose shape is wrong costs no request", async () => {
    expect(await verdict(`${token}x`, { jwks: `${origin}/quiet` })).toBe("token_invalid");
    expect(paths).toEqual([]);
  });
});

describe("isLive", () => {
  test("is asked with the verified key, and true lets it pass", async () => {
    const isLive = vi.fn<(key: VerifiedKey) => boolean>(() => true);
    expect(await verdict(token, { isLive })).toBe("accepted");
    expect(isLive.mock.calls[0]?.[0]).toMatchObject({ scopes: ["tickets:read"], grant: undefined });
  });

  test.each([[false], [undefined], [1], ["yes"], [{}], [null]])(
    "%j closes the key",
    async (answer) => {
      expect(await verdict(token, { isLive: () => answer as never })).toBe("key_closed");
      expect(await verdict(token, { isLive: async () => answer as never })).toBe("key_closed");
    },
  );

  test("that fails refuses as store_unavailable", async () => {
    expect(await verdict(token, { isLive: () => Promise.reject(new Error("down")) })).toBe(
      "store_unavailable",
    );
    const throwing = (): never => {
      throw new Error("down");
    };
    expect(await verdict(token, { isLive: throwing })).toBe("store_unavailable");
  });

  test("is not asked about a token that is not good, nor is a use spent on one that is closed", async () => {
    const isLive = vi.fn<() => boolean>(() => false);
    expect(await verdict(token, { isLive, issuer: "urn:other" })).toBe("token_invalid");
    expect(isLive).not.toHaveBeenCalled();
    const store = memoryStore({ now });
    const once = keys.mint({ scope: "tickets:reply", uses: 1 }).token;
    const request = { scope: "tickets:reply" };
    expect(await verdict(once, { isLive, store, request, consume: true })).toBe("key_closed");
    expect(await verdict(once, { store, request, consume: true })).toBe("accepted");
  });
});

describe("a store", () => {
  test("refuses what was closed or revoked in it", async () => {
    const store = memoryStore({ now });
    const issuer = testKeys({ issuer: "urn:desk", audience: options.audience, store });
    const shared = { jwks: issuer.jwks(), store };
    const [one, two] = [issuer.mint("tickets:read"), issuer.mint("tickets:read", { user: "ada" })];
    expect(await verdict(one.token, shared)).toBe("accepted");
    one.close();
    expect(await verdict(one.token, shared)).toBe("key_closed");
    await issuer.revoke({ user: "ada" });
    expect(await verdict(two.token, shared)).toBe("key_revoked");
    expect(await verdict(two.token, { jwks: issuer.jwks() })).toBe("accepted");
  });

  test("admits exactly one of 1,000 parallel requests with one use", async () => {
    const store = memoryStore({ now });
    const once = keys.mint({ scope: "tickets:reply", uses: 1 }).token;
    const request = { scope: "tickets:reply" };
    const verdicts = await Promise.all(
      Array.from({ length: 1000 }, () => verdict(once, { store, request, consume: true })),
    );
    expect(verdicts.filter((one) => one === "accepted")).toHaveLength(1);
    expect(verdicts.filter((one) => one === "key_used_up")).toHaveLength(999);
  });

  test("is needed for uses, and a fresh one does not know them", async () => {
    const once = keys.mint({ scope: "tickets:reply", uses: 1 }).token;
    const request = { scope: "tickets:reply" };
    expect(await verdict(once, { request })).toBe("uses_unenforceable");
    const restarted = memoryStore({ now: () => now() + 1 });
    expect(await verdict(once, { request, store: restarted, consume: true })).toBe("use_unknown");
  });
});

test("expiry goes by the verifier's clock", async () => {
  expect(await verdict(token, { now: () => now() + 12_000 })).toBe("key_expired");
  expect(await verdict(token, { now: undefined })).toBe("key_expired");
});

test.each(["localhost", "127.0.0.1", "[::1]"])("http is good enough on %s", async (host) => {
  // Nothing listens on port 1: that it was asked is what shows.
  expect(await verdict(token, { jwks: `http://${host}:1/jwks` })).toBe("issuer_unavailable");
});

test("a key delegated by one that an older signing key signed needs both in the set", async () => {
  const issuer = testKeys({ issuer: "urn:desk", audience: "https://tickets.example" });
  const parent = issuer.mint("tickets:read");
  issuer.rotate();
  const child = issuer.for({ agent: "helper", parent }).mint("tickets:read");
  const [older, newer] = issuer.jwks().keys;
  expect(await verdict(child.token, { jwks: { keys: [older!, newer!] } })).toBe("accepted");
  expect(await verdict(child.token, { jwks: { keys: [newer!] } })).toBe("token_invalid");
});

test("a clock that throws lets nothing pass", async () => {
  const now = (): number => {
    throw new Error("no clock");
  };
  expect(await verdict(token, { now })).toBe("token_invalid");
});
