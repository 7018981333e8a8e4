import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type LoopbackBroker, loopbackBroker, recorder } from "../../test/loopback-broker.ts";
import {
  type AgentKeys,
  type AgentKeysOptions,
  createAgentKeys,
  keyFetch,
  memorySink,
  verifyKey,
} from "../index.ts";

const API = "https://api.github.com";
const original = globalThis.fetch;
const sink = memorySink();
let broker: LoopbackBroker;
let open: AgentKeys[] = [];

/** Keys of one issuer, whose broker is the test's. */
function issue(options: Partial<AgentKeysOptions> = {}, create = createAgentKeys): AgentKeys {
  const issuer = `urn:bot:${open.length}`;
  const keys = create({
    agent: "bot",
    policy: "allow-all",
    issuer,
    audit: sink,
    broker: broker.origin,
    ambientFetch: true,
    ...options,
  });
  broker.trust(keys, issuer);
  open.push(keys);
  return keys;
}

beforeEach(async () => {
  const services = { github: API, slack: "https://slack.com/api" };
  broker = await loopbackBroker({ services });
});

afterEach(async () => {
  for (const keys of open) await keys[Symbol.asyncDispose]();
  open = [];
  await broker[Symbol.asyncDispose]();
  if (globalThis.fetch !== original) throw new Error("fetch was not given back");
});

describe("the global fetch of a call under a key", () => {
  test("goes to the broker with the credential replaced, across await", async () => {
    const keys = issue();
    const headers = { authorization: "token own-secret" };
    const text = await keys.withAgentKey("github:repos.read", async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return await (await fetch(`${API}/user`, { headers })).text();
    });
    expect(text).toBe("upstream");
    expect(broker.admitted.map(({ url }) => url)).toEqual(["/github/user"]);
    expect(JSON.stringify(broker.seen)).not.toContain("own-secret");
  });

  test("has no connection to any other host, services that it has no grant for among them", async () => {
    const keys = issue();
    await using foreign = await recorder((_, response) => response.end("leaked"));
    for (const url of [foreign.origin, "https://slack.com/api/chat.postMessage"]) {
      const call = keys.withAgentKey("github:repos.read", () => fetch(url));
      await expect(call).rejects.toMatchObject({ code: "egress_denied" });
      expect(sink.events.at(-2)).toMatchObject({ type: "request.refused", check: "egress" });
    }
    expect(foreign.seen).toEqual([]);
    expect(broker.admitted).toEqual([]);
  });

  test("reaches a host that is named, with its own credential and on record", async () => {
    await using foreign = await recorder((_, response) => response.end("theirs"));
    const { host } = new URL(foreign.origin);
    const keys = issue({ allowHosts: [host] });
    const headers = { authorization: "Bearer theirs", "x-b": "1" };
    const init = { method: "POST", headers, body: "b" };
    await keys.withAgentKey("github:repos.read", () => fetch(`${foreign.origin}/x?y`, init));
    expect(foreign.seen).toMatchObject([{ ...init, url: "/x?y" }]);
    expect(sink.events.at(-2)).toMatchObject({ type: "request.allowed", service: host });
  });

  test("is refused after the key has closed", async () => {
    const keys = issue();
    let late: (() => Promise<Response>) | undefined;
    await keys.withAgentKey("github:repos.read", async (_token, key) => {
      late = () => fetch(`${key.baseUrl("github")}/late`);
      const { AsyncResource } = await import("node:async_hooks");
      late = AsyncResource.bind(late);
    });
    await expect(late?.()).rejects.toMatchObject({ code: "key_closed" });
    expect(broker.seen.filter(({ url }) => url.includes("late"))).toEqual([]);
  });

  test("asks nobody for what is on no network", async () => {
    const text = await issue().withAgentKey("github:repos.read", async () =>
      (await fetch("data:,hello")).text(),
    );
    expect(text).toBe("hello");
    expect(broker.seen).toEqual([]);
  });
});

describe("nothing changes", () => {
  test("outside a wrapped call", async () => {
    issue();
    await using foreign = await recorder((_, response) => response.end("plain"));
    const headers = { authorization: "Bearer own" };
    expect(await (await fetch(foreign.origin, { headers })).text()).toBe("plain");
    expect(foreign.seen[0]?.headers.authorization).toBe("Bearer own");
  });

  test("under a key whose issuer did not ask for it", async () => {
    issue();
    const plain = issue({ ambientFetch: false });
    await using foreign = await recorder((_, response) => response.end("plain"));
    const response = await plain.withAgentKey("github:repos.read", () => fetch(foreign.origin));
    expect(await response.text()).toBe("plain");
  });

  test("for the library's own requests: notices, services, and the keys of other issuers", async () => {
    const keys = issue();
    await using other = await recorder((_, response) => response.end(JSON.stringify(keys.jwks())));
    await keys.withAgentKey("github:repos.read", async (token) => {
      const verified = await verifyKey(token, {
        jwks: other.origin,
        issuer: "urn:bot:0",
        audience: broker.origin,
        request: undefined,
      });
      expect(verified.agent).toBe("bot");
      await keyFetch(`${API}/x`);
      await keys.revoke({ user: "somebody" });
    });
    expect(other.seen).toHaveLength(1);
    expect(broker.notices).toHaveLength(1);
    expect(sink.events.at(-1)).toMatchObject({ type: "key.closed", outcome: "ok" });
  });
});

describe("the global fetch is replaced once", () => {
  test("however many ask, and is given back with the last of them", async () => {
    const first = issue();
    const replaced = globalThis.fetch;
    expect(replaced).not.toBe(original);
    const second = issue();
    expect(globalThis.fetch).toBe(replaced);
    await first[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    expect(globalThis.fetch).toBe(replaced);
    await second.for({ user: "ada" })[Symbol.asyncDispose]();
    expect(globalThis.fetch).toBe(replaced);
    await second[Symbol.asyncDispose]();
    expect(globalThis.fetch).toBe(original);
  });

  test("by two copies of this module together, which know each other's keys", async () => {
    const mine = issue();
    const replaced = globalThis.fetch;
    vi.resetModules();
    const copy = await import("../index.ts");
    expect(copy.createAgentKeys).not.toBe(createAgentKeys);
    const theirs = issue({}, copy.createAgentKeys);
    expect(globalThis.fetch).toBe(replaced);
    for (const keys of [mine, theirs]) {
      await keys.withAgentKey("github:repos.read", () => fetch(`${API}/x`));
    }
    expect(broker.admitted.map(({ url }) => url)).toEqual(["/github/x", "/github/x"]);
  });

  test("and whoever replaces it after that is left in place, over one that changes nothing", async () => {
    const keys = issue();
    const replaced = globalThis.fetch;
    const seen: string[] = [];
    const mock: typeof fetch = (input, init) => {
      seen.push(input instanceof Request ? input.url : String(input));
      return replaced(input, init);
    };
    globalThis.fetch = mock;
    try {
      await keys.withAgentKey("github:repos.read", () => fetch(`${API}/x`));
      expect(broker.admitted).toHaveLength(1);
      await keys[Symbol.asyncDispose]();
      expect(globalThis.fetch).toBe(mock);
      await using foreign = await recorder((_, response) => response.end("plain"));
      const after = keys.withAgentKey("github:repos.read", () => fetch(`${broker.origin}/x`));
      expect((await after).status).toBe(401);
      expect(broker.admitted).toHaveLength(1);
      expect(await (await fetch(foreign.origin)).text()).toBe("plain");
    } finally {
      globalThis.fetch = original;
    }
  });
});
