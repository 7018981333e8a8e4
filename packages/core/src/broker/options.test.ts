import { afterEach, describe, expect, test, vi } from "vitest";
import { type AgentKeysOptions, createAgentKeys, memorySink } from "../index.ts";
import { CONNECT, type ConnectableService } from "./in-process.ts";
import { planBroker } from "./options.ts";

const create = (options: Partial<AgentKeysOptions>): string => {
  const keys = createAgentKeys({
    agent: "bot",
    policy: "allow-all",
    issuer: "urn:bot",
    audit: memorySink(),
    ...options,
  });
  const token = keys.mint("github:repos.read").token;
  const claims = Buffer.from(token.split(".")[1] ?? "", "base64url").toString();
  return (JSON.parse(claims) as { aud: string }).aud;
};

const engine = { handle: () => Promise.reject(new Error("unused")), close: async () => undefined };
const service = (name: string): ConnectableService => ({
  name,
  baseUrl: new URL("https://api.example"),
  [CONNECT]: () => engine,
});
const source = { name: "env:X", read: async () => ({ value: "x" }) };

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("the broker", () => {
  test.each([
    ["http://127.0.0.1:4949", "http://127.0.0.1:4949"],
    ["http://localhost:4949/", "http://localhost:4949"],
    ["http://[::1]:4949", "http://[::1]:4949"],
    [new URL("https://Broker.Example:443/"), "https://broker.example"],
  ])("%s is the audience, by its origin", (broker, audience) => {
    expect(create({ broker })).toBe(audience);
  });

  test("comes from the environment, unless it is named or there are services", () => {
    vi.stubEnv("AGENT_KEYS_BROKER", "https://env.example");
    expect(create({})).toBe("https://env.example");
    expect(create({ broker: "https://named.example" })).toBe("https://named.example");
    const local = { services: [service("github")], secrets: { github: source } };
    expect(create(local)).toBe("https://agent-keys.invalid");
    vi.stubEnv("AGENT_KEYS_BROKER", "nowhere");
    expect(() => create({})).toThrow("AGENT_KEYS_BROKER: must be an https URL");
    vi.stubEnv("AGENT_KEYS_BROKER", "");
    expect(create({})).toBe("urn:bot");
  });

  test("is the only audience that may be named", () => {
    const broker = "http://127.0.0.1:4949";
    expect(create({ broker, audience: broker })).toBe(broker);
    for (const audience of ["urn:api", "http://localhost:4949", `${broker}/`]) {
      const attempt = (): string => create({ broker, audience });
      expect(attempt).toThrow(TypeError);
      expect(attempt).toThrow(`audience: is "${audience}", and broker is ${broker}: `);
    }
    vi.stubEnv("AGENT_KEYS_BROKER", broker);
    expect(() => create({ audience: "urn:api" })).toThrow(`and AGENT_KEYS_BROKER is ${broker}`);
  });

  test("lets policy's unbound constraints pass", () => {
    expect(() => create({ unbound: "audience" })).toThrow("no audience is set");
    expect(create({ broker: "https://b.example", unbound: "audience" })).toBe("https://b.example");
  });
});

describe("an option is refused at once:", () => {
  const github = service("github");
  const wrong: readonly (readonly [string, object, string])[] = [
    ["http beyond loopback", { broker: "http://broker.example" }, "broker: must be an https URL"],
    ["a host alone", { broker: "127.0.0.1:4949" }, "broker: must be an https URL"],
    ["no URL", { broker: 4949 }, "broker: must be an https URL"],
    ["a look-alike", { broker: "http://127.0.0.1.example" }, "broker: must be an https URL"],
    ["a path", { broker: "https://b.example/x" }, "broker: must be an origin"],
    ["a query", { broker: "https://b.example?x" }, "broker: must be an origin"],
    ["a password", { broker: "https://u:canary@b.example" }, "broker: must be an origin"],
    ["both", { broker: "https://b.example", services: [github] }, "services: and broker"],
    ["secrets alone", { secrets: {} }, "secrets: are for services"],
    ["secrets at a broker", { broker: "https://b.example", secrets: {} }, "secrets: are for"],
    ["no services", { services: [], secrets: {} }, "services: must be a list with at least one"],
    ["no service", { services: [{ name: "x" }], secrets: {} }, "services[0]: must come from"],
    [
      "a service that nothing can connect",
      { services: [{ name: "x", baseUrl: new URL("https://x.example") }], secrets: { x: source } },
      "services[0]: must come from defineService()",
    ],
    [
      "two of a name",
      { services: [github, github], secrets: { github: source } },
      "services[1]: is another github",
    ],
    ["no secrets", { services: [github] }, "secrets.github: is missing"],
    ["a secret too few", { services: [github], secrets: {} }, "secrets.github: is missing"],
    [
      "a secret as it is",
      { services: [github], secrets: { github: "canary" } },
      "secrets.github: must be the source",
    ],
    [
      "a secret that is inherited",
      { services: [service("constructor")], secrets: {} },
      "secrets.constructor: is missing",
    ],
    [
      "a secret too many",
      { services: [github], secrets: { github: source, slack: source } },
      "secrets.slack: is for no service",
    ],
    [
      "an unknown egress",
      { broker: "https://b.example", egress: "some" },
      'egress: must be "deny"',
    ],
    [
      "a bare host",
      { broker: "https://b.example", allowHosts: "x.example" },
      "allowHosts: must be",
    ],
    [
      "a URL",
      { broker: "https://b.example", allowHosts: ["https://x.example"] },
      "allowHosts: must",
    ],
    [
      "a wildcard",
      { broker: "https://b.example", allowHosts: ["*.example"] },
      "allowHosts: must be",
    ],
    ["capitals", { broker: "https://b.example", allowHosts: ["X.example"] }, "allowHosts: must be"],
    ["a path", { broker: "https://b.example", allowHosts: ["x.example/y"] }, "allowHosts: must be"],
    [
      "ambient as text",
      { broker: "https://b.example", ambientFetch: "yes" },
      "ambientFetch: must be",
    ],
    ["ambient, but no broker", { ambientFetch: true }, "ambientFetch: needs a broker"],
    ["egress, but no broker", { egress: "allow" }, "egress: needs a broker"],
    ["hosts, but no broker", { allowHosts: ["x.example"] }, "allowHosts: needs a broker"],
  ];
  test.each(wrong)("%s", (_, options, message) => {
    const original = globalThis.fetch;
    const attempt = (): string => create(options);
    expect(attempt).toThrow(TypeError);
    expect(attempt).toThrow(message);
    expect(attempt).not.toThrow("canary");
    expect(globalThis.fetch).toBe(original);
  });
});

test("hosts are compared as a URL writes them", () => {
  const { egress } = planBroker({
    broker: "https://b.example",
    allowHosts: ["x.example", "127.0.0.1:3000", "[::1]:8080"],
  });
  const verdict = (url: string): string => egress(new URL(url));
  for (const url of ["https://X.example/a", "http://x.example:80", "http://[::1]:8080/"]) {
    expect(verdict(url)).toBe("listed");
  }
  for (const url of [
    "https://y.x.example",
    "https://x.example.evil",
    "https://x.example@evil.example",
    "https://x.example:8443",
    "http://127.0.0.1",
    "https://x.example./",
  ]) {
    expect(verdict(url)).toBe("denied");
  }
});
