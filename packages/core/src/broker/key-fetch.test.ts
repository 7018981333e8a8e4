import type { ServerResponse } from "node:http";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type LoopbackBroker,
  loopbackBroker,
  type LoopbackOptions,
  recorder,
} from "../../test/loopback-broker.ts";
import {
  type AgentKeys,
  type AgentKeysOptions,
  AgentKeyError,
  createAgentKeys,
  keyFetch,
  memorySink,
} from "../index.ts";

const API = "https://api.github.com";
let sink = memorySink();
let broker: LoopbackBroker;
let keys: AgentKeys;

async function start(
  options: Partial<AgentKeysOptions> = {},
  brokerOptions: LoopbackOptions = {},
): Promise<void> {
  sink = memorySink();
  broker = await loopbackBroker(brokerOptions);
  keys = createAgentKeys({
    agent: "bot",
    policy: "allow-all",
    issuer: "urn:bot",
    audit: sink,
    broker: broker.origin,
    ...options,
  });
  broker.trust(keys, "urn:bot");
}

const under = <T>(fn: () => Promise<T>, scope = "github:repos.read"): Promise<T> =>
  keys.withAgentKey(scope, fn) as Promise<T>;

const codeOf = async (attempt: Promise<unknown>): Promise<string> => {
  try {
    await attempt;
    return "resolved";
  } catch (error) {
    return error instanceof AgentKeyError ? error.code : String(error);
  }
};

beforeEach(() => start());
afterEach(async () => {
  await keys[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
});

describe("what a service is asked goes to the broker", () => {
  test("with the key, by the service's name, path and query as they are", async () => {
    const text = await under(async () => {
      const response = await keyFetch(`${API}/repos/acme/a%2Fb//x?q=1&q=%20+&empty`);
      expect(response.status).toBe(200);
      return await response.text();
    });
    expect(text).toBe("upstream");
    expect(broker.admitted.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "GET /github/repos/acme/a%2Fb//x?q=1&q=%20+&empty",
    ]);
  });

  test("and its services are asked for once, by however many at once", async () => {
    await under(() => Promise.all(Array.from({ length: 20 }, () => keyFetch(`${API}/x`))));
    await under(() => keyFetch(`${API}/y`));
    expect(broker.seen.filter(({ url }) => url === "/.agent-keys/services")).toHaveLength(1);
    expect(broker.admitted).toHaveLength(21);
  });

  test("a URL that is the broker's own goes as it is, and asks for no services", async () => {
    await keys.withAgentKey("github:repos.read", async (_token, key) => {
      expect(key.baseUrl("github")).toBe(`${broker.origin}/github`);
      await key.fetch(`${key.baseUrl("github")}/user`);
    });
    expect(broker.seen.map(({ url }) => url)).toEqual(["/github/user"]);
  });

  test("a base URL is for a service that there is, once that is known", async () => {
    const key = keys.mint("github:repos.read");
    expect(key.baseUrl("githab")).toBe(`${broker.origin}/githab`);
    await key.fetch(`${API}/user`);
    expect(key.baseUrl("github")).toBe(`${broker.origin}/github`);
    expect(() => key.baseUrl("githab")).toThrow(
      new TypeError("service: there is no githab; there are github"),
    );
    expect(() => key.baseUrl("../x")).toThrow("service: must be the name of a service");
  });

  test("the longest base wins, and a base is not a mere beginning", async () => {
    await broker[Symbol.asyncDispose]();
    const services = { all: "https://api.example", v2: "https://api.example/v2" };
    await start({}, { services });
    await under(async () => {
      for (const path of ["/v2/x", "/v22/x", "/v2"]) await keyFetch(`https://api.example${path}`);
    }, "all:read");
    expect(broker.admitted.map(({ url }) => url)).toEqual(["/v2/x", "/all/v22/x", "/v2"]);
  });

  const encoded = new TextEncoder().encode("bytes");
  const stream = (): ReadableStream => new Blob(["str", "eam"]).stream();
  test.each<[string, () => RequestInit, string, string | RegExp]>([
    ["text", () => ({ body: "text" }), "text", "text/plain;charset=UTF-8"],
    ["bytes", () => ({ body: encoded }), "bytes", "undefined"],
    ["a blob", () => ({ body: new Blob(["b"], { type: "a/b" }) }), "b", "a/b"],
    ["a query", () => ({ body: new URLSearchParams({ a: "1 2" }) }), "a=1+2", /urlencoded/],
    ["a stream", () => ({ body: stream(), duplex: "half" }), "stream", "undefined"],
  ])("a body may be %s", async (_, init, body, type) => {
    await under(() => keyFetch(`${API}/x`, { method: "POST", ...init() }));
    const [seen] = broker.admitted;
    expect(seen?.body).toBe(body);
    expect(String(seen?.headers["content-type"])).toMatch(type);
  });

  test("or a form with a file, and keeps its length", async () => {
    const form = new FormData();
    form.set("file", new Blob(["content"]), "f.txt");
    await under(() => keyFetch(`${API}/x`, { method: "POST", body: form }));
    const [seen] = broker.admitted;
    expect(seen?.headers["content-type"]).toMatch(/^multipart\/form-data; boundary=/);
    expect(seen?.body).toContain("content");
    expect(Number(seen?.headers["content-length"])).toBe(seen?.body.length);
  });

  test("or that of a Request, whose init may say otherwise", async () => {
    const request = (): Request =>
      new Request(`${API}/x`, { method: "PUT", body: "own", headers: { "x-a": "1" } });
    await under(() => keyFetch(request()));
    await under(() => keyFetch(request(), { method: "PATCH", body: "other" }));
    const seen = broker.admitted.map(({ method, body }) => `${method} ${body}`);
    expect(seen).toEqual(["PUT own", "PATCH other"]);
    expect(broker.admitted[0]?.headers["x-a"]).toBe("1");
  });

  test("a body that fetch would not send is told as fetch tells it", async () => {
    const url = `${broker.origin}/github/x`;
    for (const method of ["get", "HEAD"]) {
      const asked = under(() => keyFetch(url, { method, body: "b" }));
      await expect(asked).rejects.toThrow(
        new TypeError("Request with GET/HEAD method cannot have body."),
      );
    }
    expect(broker.admitted).toEqual([]);
  });

  test("a refusal of the broker comes as a response", async () => {
    await keys.withAgentKey("github:repos.read", async (_token, key) => {
      broker.store.keys.close({ iss: "urn:bot", id: key.id, expiresAtMs: Date.now() + 60_000 });
      const response = await key.fetch(`${broker.origin}/github/x`);
      expect(response.status).toBe(401);
      expect(response.headers.get("agent-keys-code")).toBe("key_closed");
    });
    expect(broker.admitted).toEqual([]);
  });
});

describe("no credential of the caller is sent", () => {
  const SECRET = "caller-s3cret";
  test.each([
    "authorization",
    "Proxy-Authorization",
    "cookie",
    "x-api-key",
    "api-key",
    "apikey",
    "X-Goog-Api-Key",
    "private-token",
    "x-auth-token",
    "x-amz-security-token",
    "client-secret",
    "x-access-key",
    "ocp-apim-subscription-key",
    "dd-application-key",
    "x-functions-key",
    "x-amz-server-side-encryption-customer-key",
  ])("in %s", async (name) => {
    await under(() => keyFetch(`${API}/x`, { headers: { [name]: SECRET, "x-plain": "kept" } }));
    expect(JSON.stringify(broker.seen)).not.toContain(SECRET);
    expect(broker.admitted[0]?.headers["x-plain"]).toBe("kept");
    expect(broker.admitted[0]?.headers.authorization).toMatch(/^Bearer ey/);
  });

  test("in the URL", async () => {
    await under(() => keyFetch(`https://u:${SECRET}@api.github.com/x?page=2`));
    await under(() => keyFetch(`${API}/x?a=%20+b&Access_Token=${SECRET}&api%5Fkey=${SECRET}&b`));
    expect(JSON.stringify(broker.seen)).not.toContain(SECRET);
    expect(broker.admitted.map(({ url }) => url)).toEqual([
      "/github/x?page=2",
      "/github/x?a=%20+b&b",
    ]);
  });

  test("of a Request neither; what only looks alike is kept", async () => {
    const headers = {
      authorization: SECRET,
      "idempotency-key": "i",
      "x-idempotency-key": "j",
      "x-github-api-version": "v",
    };
    await under(() => keyFetch(new Request(`${API}/x?page_token=t&key=k`, { headers })));
    const [seen] = broker.admitted;
    expect(JSON.stringify(broker.seen)).not.toContain(SECRET);
    expect(seen?.url).toBe("/github/x?page_token=t&key=k");
    expect(seen?.headers).toMatchObject({
      "idempotency-key": "i",
      "x-idempotency-key": "j",
      "x-github-api-version": "v",
    });
  });

  test("and no dispatcher of the caller's sees the key", async () => {
    const dispatcher = {
      dispatch: () => {
        throw new Error("was asked");
      },
    };
    await under(() => keyFetch(`${API}/x`, { dispatcher } as object));
    expect(broker.admitted).toHaveLength(1);
  });
});

describe("nothing is sent", () => {
  test("outside a wrapped call", async () => {
    expect(await codeOf(keyFetch(`${API}/x`))).toBe("no_key");
  });

  test("without a broker", async () => {
    const alone = createAgentKeys({ agent: "bot", policy: "allow-all", audit: memorySink() });
    const key = alone.mint("github:repos.read");
    expect(await codeOf(key.fetch(`${broker.origin}/github/x`))).toBe("no_broker");
    expect(() => key.baseUrl("github")).toThrow(expect.objectContaining({ code: "no_broker" }));
  });

  test("under a key that was closed, or closes while its call waits for the services", async () => {
    const key = keys.mint("github:repos.read");
    const waiting = key.fetch(`${API}/x`);
    key.close();
    expect(await codeOf(waiting)).toBe("key_closed");
    expect(await codeOf(key.fetch(`${broker.origin}/github/x`))).toBe("key_closed");
    expect(broker.admitted).toEqual([]);
  });

  test("under a key that has expired", async () => {
    let ms = Date.now();
    const later = createAgentKeys({
      agent: "bot",
      policy: "allow-all",
      audit: memorySink(),
      broker: broker.origin,
      now: () => ms,
    });
    const key = later.mint("github:repos.read", { expiresIn: 1 });
    ms += 3_000;
    expect(await codeOf(key.fetch(`${broker.origin}/github/x`))).toBe("key_expired");
    key.close();
    expect(await codeOf(key.fetch(`${broker.origin}/github/x`))).toBe("key_expired");
    expect(broker.seen).toEqual([]);
  });

  test("to a host that no service is for, and it is on record without the host", async () => {
    await using foreign = await recorder((_, response) => response.end("leaked"));
    expect(await codeOf(under(() => keyFetch(`${foreign.origin}/x`, { method: "POST" })))).toBe(
      "egress_denied",
    );
    expect(foreign.seen).toEqual([]);
    const refused = sink.events.filter(({ type }) => type === "request.refused");
    expect(refused).toMatchObject([{ code: "egress_denied", check: "egress", method: "POST" }]);
    expect(JSON.stringify(sink.events)).not.toContain(new URL(foreign.origin).port);
  });

  test("when an egress that is allowed cannot be put on record", async () => {
    await using foreign = await recorder((_, response) => response.end("x"));
    let broken = false;
    const audit = (): void => {
      if (broken) throw new Error("full");
    };
    const unwritten = createAgentKeys({
      agent: "bot",
      policy: "allow-all",
      issuer: "urn:bot",
      audit,
      broker: broker.origin,
      egress: "allow",
    });
    broker.trust(unwritten, "urn:bot");
    const key = unwritten.mint("github:repos.read");
    broken = true;
    expect(await codeOf(key.fetch(`${foreign.origin}/x`))).toBe("audit_unavailable");
    expect(foreign.seen).toEqual([]);
  });
});

describe("a broker that is out of reach", () => {
  test("is said to be, with a code, and neither key nor values", async () => {
    await broker[Symbol.asyncDispose]();
    const key = keys.mint("github:repos.read");
    for (const url of [`${API}/canary-path`, `${broker.origin}/github/canary-path`]) {
      const failed = key.fetch(url, { headers: { "x-a": "canary-header" } });
      const error = await failed.then(String, (thrown: AgentKeyError) => thrown);
      expect(error).toMatchObject({ code: "broker_unavailable", retryable: true });
      const said = inspect(error, { depth: 10, showHidden: true });
      expect(said).toContain("ECONNREFUSED");
      expect(said).not.toMatch(/canary|eyJ/);
      expect(said).not.toContain(key.token);
    }
  });

  test.each([
    ["is none", (response: ServerResponse) => response.end("<html>")],
    ["is broken", (response: ServerResponse) => response.writeHead(500).end()],
    [
      "sends elsewhere",
      (response: ServerResponse) => response.writeHead(302, { location: API }).end(),
    ],
    ["never ends", (response: ServerResponse) => response.end("x".repeat(2_000_000))],
    [
      "tells nonsense",
      (response: ServerResponse) => response.end('{"services":[{"name":"../x","baseUrl":"a:b"}]}'),
    ],
  ])("and so is one that %s", async (_, answer) => {
    await using other = await recorder((_seen, response) => answer(response));
    const lost = createAgentKeys({
      agent: "bot",
      policy: "allow-all",
      audit: memorySink(),
      broker: other.origin,
    });
    expect(await codeOf(lost.mint("github:repos.read").fetch(`${API}/x`))).toBe(
      "broker_unavailable",
    );
    expect(other.seen).toHaveLength(1);
  });

  test("refuses one key, and not another whose call waits for the same answer", async () => {
    const [bad, good] = [keys.mint("github:repos.read"), keys.mint("github:repos.read")];
    broker.store.keys.close({ iss: "urn:bot", id: bad.id, expiresAtMs: Date.now() + 60_000 });
    const asked = [bad, good, good].map((key) => codeOf(key.fetch(`${API}/x`)));
    expect(await Promise.all(asked)).toEqual(["key_closed", "resolved", "resolved"]);
    expect(broker.seen.filter(({ url }) => url === "/.agent-keys/services")).toHaveLength(2);
  });

  test("is asked for its services again, and a key it refuses is told why", async () => {
    const key = keys.mint("github:repos.read");
    await keys.revoke({ id: key.id });
    expect(await codeOf(key.fetch(`${API}/x`))).toBe("key_revoked");
    await under(() => keyFetch(`${API}/x`));
    expect(broker.admitted).toHaveLength(1);
  });
});

test("an abort ends the call with the caller's own reason", async () => {
  await broker[Symbol.asyncDispose]();
  const controller = new AbortController();
  await start({}, { answer: () => controller.abort(new Error("changed my mind")) });
  const { signal } = controller;
  await expect(under(() => keyFetch(`${API}/x`, { signal }))).rejects.toThrow("changed my mind");
  await expect(under(() => keyFetch(`${API}/x`, { signal }))).rejects.toThrow("changed my mind");
  expect(broker.admitted).toHaveLength(1);
});
