import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { factsOf, readToken, requireLive } from "../enforce/index.ts";
import {
  type AgentKeyError,
  type AgentKeys,
  type AgentKeysOptions,
  createAgentKeys,
  keyFetch,
  memorySink,
} from "../index.ts";
import { CONNECT, type ConnectableService, type InProcessHost } from "./in-process.ts";

const SAID = Symbol.for("agent-keys.secrets-in-process.v1");
const said: string[] = [];
let hosts: InProcessHost[] = [];
let handled: Request[] = [];
let closed = 0;
let answer: (request: Request) => Promise<Response> | Response;

/** An engine that verifies as a broker's does, with what the keys lend it. */
const service = (name: string, baseUrl: string): ConnectableService => ({
  name,
  baseUrl: new URL(baseUrl),
  [CONNECT](host) {
    hosts.push(host);
    return {
      async handle(request) {
        const token = request.headers.get("authorization")?.replace(/^Bearer /, "");
        const { claims, kid } = await readToken(token, { ...host, algorithm: "Ed25519" });
        requireLive(host.store.keys, factsOf(claims, kid));
        handled.push(request);
        return answer(request);
      },
      close: async () => {
        closed += 1;
      },
    };
  },
});

const github = service("github", "https://api.github.com");
const slack = service("slack", "https://slack.com/api/");
const source = { name: "env:X", read: async () => ({ value: "canary-secret" }) };

const create = (options: Partial<AgentKeysOptions> = {}): AgentKeys =>
  createAgentKeys({
    agent: "bot",
    policy: "allow-all",
    audit: memorySink(),
    services: [github, slack],
    secrets: { github: source, slack: source },
    ...options,
  });

function thrownBy(attempt: () => unknown): unknown {
  try {
    return attempt();
  } catch (error) {
    return error;
  }
}

beforeEach(() => {
  [hosts, handled, closed] = [[], [], 0];
  answer = () => new Response("answered");
  said.length = 0;
  Reflect.deleteProperty(globalThis, SAID);
  vi.spyOn(process.stderr, "write").mockImplementation((text) => said.push(String(text)) > 0);
});
afterEach(() => {
  vi.restoreAllMocks();
});

test("an engine gets what it needs to decide, once for all services, and reads no secret by that", () => {
  const read = vi.fn<typeof source.read>();
  const policy = { bot: { allow: [{ scope: "github:*" }] } };
  create({ policy, redact: ["channel"], secrets: { github: source, slack: { name: "s", read } } });
  expect(hosts).toHaveLength(1);
  expect(hosts[0]).toMatchObject({
    audience: "https://agent-keys.invalid",
    policy,
    services: [{ name: "github" }, { name: "slack" }],
  });
  expect(hosts[0]?.redact.has("channel")).toBe(true);
  expect(Object.keys(hosts[0]?.secrets ?? {})).toEqual(["github", "slack"]);
  expect(read).not.toHaveBeenCalled();
});

test("that secrets are in this process is said once, on stderr, and without them", () => {
  create();
  create();
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/^agent-keys: .*secrets are in this process.*development only\n$/);
  expect(said[0]).not.toContain("canary");
});

describe("a request under a key", () => {
  test("is answered in process, as it would be at a broker", async () => {
    const keys = create();
    const text = await keys.withAgentKey("slack:chat.write", async (_token, key) => {
      const init = { method: "POST", body: "a=1", headers: { authorization: "own-secret" } };
      const response = await keyFetch("https://slack.com/api/chat.postMessage?x=1", init);
      await key.fetch("https://api.github.com/user");
      return await response.text();
    });
    expect(text).toBe("answered");
    expect(handled.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "POST https://agent-keys.invalid/slack/chat.postMessage?x=1",
      "GET https://agent-keys.invalid/github/user",
    ]);
    expect(await handled[0]?.text()).toBe("a=1");
    expect(handled[0]?.headers.get("authorization")).toMatch(/^Bearer ey/);
  });

  test("has no address for clients that send by themselves", () => {
    const key = create().mint("github:repos.read");
    const error = thrownBy(() => key.baseUrl("github"));
    expect(error).toMatchObject({
      code: "no_broker",
      cause: { message: expect.stringContaining("in process") as string },
    });
    expect(thrownBy(() => key.baseUrl("githab"))).toEqual(
      new TypeError("service: there is no githab; there are github, slack"),
    );
  });

  test("shares the state of the keys: what is closed or revoked here is so there", async () => {
    const keys = create();
    const key = keys.mint("github:repos.read");
    await keys.revoke({ id: key.id });
    await expect(key.fetch("https://api.github.com/x")).rejects.toMatchObject({
      code: "key_revoked",
    });
    key.close();
    await expect(key.fetch("https://api.github.com/x")).rejects.toMatchObject({
      code: "key_closed",
    });
    expect(handled).toEqual([]);
  });

  test("follows no redirect elsewhere, and asks no other host", async () => {
    const key = create().mint("github:repos.read");
    answer = () =>
      new Response("moved", { status: 302, headers: { location: "https://evil.test" } });
    await expect(key.fetch("https://api.github.com/x")).rejects.toMatchObject({
      code: "egress_denied",
    });
    await expect(key.fetch("https://evil.test/x")).rejects.toMatchObject({ code: "egress_denied" });
    expect(handled).toHaveLength(1);
  });

  test("fails by a code and without what the engine says, which may know a secret", async () => {
    const key = create().mint("github:repos.read");
    answer = () => Promise.reject(new Error("canary-secret"));
    const error = await key.fetch("https://api.github.com/x").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "broker_unavailable" });
    expect(String((error as AgentKeyError).cause)).not.toContain("canary");
  });

  test("is the ambient fetch's too", async () => {
    const original = globalThis.fetch;
    const keys = create({ ambientFetch: true });
    await keys.withAgentKey("github:repos.read", () => fetch("https://api.github.com/x"));
    expect(handled).toHaveLength(1);
    await keys[Symbol.asyncDispose]();
    expect(globalThis.fetch).toBe(original);
    expect(closed).toBe(1);
  });
});
