import { afterAll, beforeAll, expect, test } from "vitest";
import { type LoopbackBroker, loopbackBroker } from "../../test/loopback-broker.ts";
import { type AgentKeys, createAgentKeys, memorySink } from "../index.ts";

const API = "https://api.github.com";
let broker: LoopbackBroker;
let keys: AgentKeys;
/** Whatever left by the platform's own `fetch`. */
const sent: { readonly url: string; readonly authorization: string | null }[] = [];
const original = globalThis.fetch;

beforeAll(async () => {
  broker = await loopbackBroker({ services: { github: API, slack: "https://slack.com/api" } });
  // Before any key is used: what goes to another host than the broker's is seen, and never leaves.
  globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    sent.push({ url: request.url, authorization: request.headers.get("authorization") });
    return request.url.startsWith(`${broker.origin}/`)
      ? await original(input, init)
      : new Response("elsewhere");
  };
  keys = createAgentKeys({
    agent: "bot",
    policy: "allow-all",
    issuer: "urn:bot",
    audit: memorySink(),
    broker: broker.origin,
    egress: "allow",
  });
  broker.trust(keys, "urn:bot");
});
afterAll(async () => {
  globalThis.fetch = original;
  await keys.flush();
  await broker[Symbol.asyncDispose]();
});

async function whither(url: string | URL | Request): Promise<string> {
  const admitted = broker.admitted.length;
  sent.length = 0;
  const key = keys.mint("github:repos.read");
  await key.fetch(url).catch((error: unknown) => error);
  for (const one of sent) {
    const isBroker = one.url.startsWith(`${broker.origin}/`);
    expect(one.authorization).toBe(isBroker ? `Bearer ${key.token}` : null);
  }
  const came = broker.admitted.slice(admitted).map((seen) => seen.url);
  return came[0] ?? sent.at(-1)?.url ?? "nowhere";
}

const port = (): string => new URL(broker.origin).port;

test.each([
  ["capitals", () => "HTTPS://API.GitHub.com/x", "/github/x"],
  ["the scheme's own port", () => `${API}:443/x`, "/github/x"],
  ["backslashes", () => String.raw`https:\\api.github.com\x`, "/github/x"],
  ["white space and line feeds", () => ` ${API}/\n\tx `, "/github/x"],
  ["dots that lead nowhere", () => `${API}/a/../../x/%2e%2e/y`, "/github/y"],
  ["dots out of a service's folder", () => "https://slack.com/api/%2e%2e/x", "https://slack.com/x"],
  [
    "an encoded slash and dots",
    () => `${API}/..%2f..%2f.agent-keys`,
    "/github/..%2f..%2f.agent-keys",
  ],
  ["a fragment", () => `${API}/x#y`, "/github/x"],
  ["the broker, as a short address", () => `http://127.1:${port()}/github/x`, "/github/x"],
  ["the broker, with a dot", () => `http://127.0.0.1.:${port()}/github/x`, "/github/x"],
])("what is a service's own, or the broker's, with %s", async (_, url, where) => {
  expect(await whither(url())).toBe(where);
  expect(await whither(new Request(url()))).toBe(where);
});

test.each([
  ["the service for a user name", () => "https://api.github.com@evil.test/x"],
  ["the broker for a user name", () => `http://127.0.0.1:${port()}@evil.test/x`],
  ["and a backslash", () => String.raw`https://evil.test\@api.github.com/x`],
  ["a longer name", () => "https://api.github.com.evil.test/x"],
  ["a dot at the end", () => "https://api.github.com./x"],
  ["another port", () => "https://api.github.com:8443/x"],
  ["another scheme", () => "http://api.github.com/x"],
  ["a name under it", () => "https://evil.api.github.com/x"],
  ["a letter that looks alike", () => "https://аpi.github.com/x"],
  ["the broker, by another name", () => `http://localhost:${port()}/github/x`],
  ["the broker, at another port", () => `http://127.0.0.1:1/github/x`],
  ["the broker, over TLS", () => `https://127.0.0.1:${port()}/github/x`],
])("the key is not sent elsewhere: %s", async (_, url) => {
  const admitted = broker.admitted.length;
  expect(await whither(url())).not.toMatch(/^\/|^nowhere$/);
  expect(broker.admitted).toHaveLength(admitted);
});

test("what is no URL is asked nowhere", async () => {
  for (const url of ["", "/github/x", "github.com", "https://", "https://a b/"]) {
    expect(await whither(url)).toBe("nowhere");
  }
});
