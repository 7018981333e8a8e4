import { afterEach, describe, expect, test } from "vitest";
import {
  type LoopbackBroker,
  loopbackBroker,
  type Recorder,
  recorder,
} from "../../test/loopback-broker.ts";
import { type AgentKeys, type AgentKeysOptions, createAgentKeys, memorySink } from "../index.ts";

const API = "https://api.github.com";
const sink = memorySink();
let broker: LoopbackBroker;
let keys: AgentKeys;
let location = "";
let status = 302;

/** A broker whose `/github/start` redirects, and keys for it. */
async function start(options: Partial<AgentKeysOptions> = {}): Promise<void> {
  broker = await loopbackBroker({
    services: { github: API, slack: "https://slack.com/api" },
    answer: ({ url }, response) =>
      url.startsWith("/github/start")
        ? response.writeHead(status, { location }).end("moved")
        : response.end("arrived"),
  });
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

const ask = (init: RequestInit = {}): Promise<Response> =>
  keys.mint(["github:repos.read", "slack:chat.write"]).fetch(`${API}/start`, init);

const foreignHost = (): Promise<Recorder> => recorder((_, response) => response.end("foreign"));

afterEach(async () => {
  [status, location] = [302, ""];
  await broker[Symbol.asyncDispose]();
});

describe("a redirect that stays with the service", () => {
  test.each([
    ["to the service's own host", () => `${API}/there`],
    ["to the broker", () => `${broker.origin}/github/there`],
    ["by a path", () => "/github/there"],
  ])("%s is followed under the key", async (_, where) => {
    await start();
    location = where();
    expect(await (await ask()).text()).toBe("arrived");
    expect(broker.admitted.map(({ url }) => url)).toEqual(["/github/start", "/github/there"]);
  });

  test("is followed five times, and no more", async () => {
    await start();
    location = "/github/start/again";
    await expect(ask()).rejects.toMatchObject({
      name: "TypeError",
      cause: { message: "redirect count exceeded" },
    });
    expect(broker.admitted).toHaveLength(6);
  });

  test.each([
    [301, "POST", "GET "],
    [302, "POST", "GET "],
    [302, "PUT", "PUT body"],
    [303, "PUT", "GET "],
    [307, "POST", "POST body"],
    [308, "PATCH", "PATCH body"],
  ])("%i after %s is %s", async (code, method, second) => {
    await start();
    status = code;
    location = "/github/there";
    await ask({ method, body: "body" });
    expect(broker.admitted.map((seen) => `${seen.method} ${seen.body}`)[1]).toBe(second);
    expect(broker.admitted[1]?.headers["content-type"] === undefined).toBe(second === "GET ");
  });

  test("with a stream, which cannot be sent twice, fails as fetch does", async () => {
    await start();
    status = 307;
    location = "/github/there";
    const body = new Blob(["once"]).stream();
    await expect(ask({ method: "POST", body, duplex: "half" })).rejects.toThrow(TypeError);
    expect(broker.admitted).toHaveLength(1);
  });

  test("is not followed once the key has closed", async () => {
    await start();
    location = "/github/there";
    const key = keys.mint("github:repos.read");
    broker.server.prependListener("request", ({ url = "" }) => {
      if (url === "/github/start") key.close();
    });
    await expect(key.fetch(`${API}/start`)).rejects.toMatchObject({ code: "key_closed" });
    expect(broker.admitted.map(({ url }) => url)).toEqual(["/github/start"]);
  });
});

describe("a redirect to another host", () => {
  test("is refused where egress is: no connection, and it is on record", async () => {
    await start();
    await using foreign = await foreignHost();
    location = `${foreign.origin}/x`;
    await expect(ask()).rejects.toMatchObject({ code: "egress_denied" });
    expect(foreign.seen).toEqual([]);
    expect(sink.events.at(-1)).toMatchObject({ type: "request.refused", code: "egress_denied" });
  });

  test.each([{ egress: "allow" }, { allowHosts: [] as string[] }] as const)(
    "that egress lets pass carries neither the key nor a credential: %o",
    async (options) => {
      await using foreign = await foreignHost();
      const { host } = new URL(foreign.origin);
      await start("egress" in options ? options : { allowHosts: [host] });
      location = `${foreign.origin}/x`;
      const headers = { authorization: "own-secret", "x-api-key": "own-secret", "x-plain": "y" };
      expect(await (await ask({ headers })).text()).toBe("foreign");
      expect(foreign.seen).toHaveLength(1);
      expect(foreign.seen[0]?.headers["x-plain"]).toBe("y");
      expect(JSON.stringify(foreign.seen)).not.toMatch(/own-secret|Bearer|eyJ/);
      expect(sink.events.at(-1)).toMatchObject({
        type: "request.allowed",
        service: "egress" in options ? "*" : host,
      });
    },
  );

  test.each([
    ["another service", () => "https://slack.com/api/chat.postMessage"],
    ["another service at the broker", () => "/slack/chat.postMessage"],
    ["the broker's own paths", () => "/.agent-keys/services"],
  ])("that is %s comes back as it is", async (_, where) => {
    await start();
    location = where();
    const response = await ask();
    expect([response.status, await response.text()]).toEqual([302, "moved"]);
    expect(broker.admitted).toHaveLength(1);
  });
});

test("a host without the key sends nobody to a service under it", async () => {
  await using foreign = await recorder((_, response) =>
    response.writeHead(307, { location }).end("moved"),
  );
  await start({ allowHosts: [new URL(foreign.origin).host] });
  for (const where of [`${API}/there`, `${broker.origin}/github/there`]) {
    location = where;
    const key = keys.mint("github:repos.read");
    const response = await key.fetch(`${foreign.origin}/x`, { method: "POST", body: "b" });
    expect([response.status, await response.text()]).toEqual([307, "moved"]);
  }
  expect(foreign.seen).toHaveLength(2);
  expect(broker.admitted).toEqual([]);
});

test("what the caller says of redirects holds", async () => {
  await start();
  location = "/github/there";
  const manual = await ask({ redirect: "manual" });
  expect([manual.status, manual.headers.get("location")]).toEqual([302, "/github/there"]);
  await expect(ask({ redirect: "error" })).rejects.toThrow(TypeError);
  expect(broker.admitted).toHaveLength(2);
});

test("a credential of the caller's stays with the host it was for", async () => {
  await using second = await foreignHost();
  await using first = await recorder((_, response) =>
    response.writeHead(302, { location: `${second.origin}/x` }).end(),
  );
  await start({ egress: "allow" });
  const headers = { authorization: "own-secret", cookie: "own-secret" };
  await keys.mint("github:repos.read").fetch(first.origin, { headers });
  expect(first.seen[0]?.headers).toMatchObject(headers);
  expect(JSON.stringify(second.seen)).not.toContain("own-secret");
  expect(second.seen).toHaveLength(1);
});

test("nor does one follow where the caller said that none may be", async () => {
  await start();
  location = "/slack/chat.postMessage";
  await expect(ask({ redirect: "error" })).rejects.toMatchObject({
    name: "TypeError",
    cause: { message: "unexpected redirect" },
  });
  expect(broker.admitted).toHaveLength(1);
});

test("a password in a redirect is neither sent nor quoted", async () => {
  await using foreign = await foreignHost();
  await start({ egress: "allow" });
  for (const where of [`${foreign.origin}/x`, `${broker.origin}/github/there`]) {
    location = where.replace("://", "://user:canary@");
    expect((await ask()).status).toBe(200);
  }
  expect(JSON.stringify([foreign.seen, broker.seen])).not.toMatch(/canary|Basic/);
});
