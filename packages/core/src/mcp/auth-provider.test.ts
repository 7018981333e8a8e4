import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AgentKeyError } from "../errors.ts";
import { requireKey } from "../context.ts";
import { memoryStore } from "../store/memory-store.ts";
import { type TestKeys, testKeys } from "../testing/index.ts";
import { type AgentKeysAuthProvider, agentKeysAuthProvider } from "./auth-provider.ts";

let keys: TestKeys;
let provider: AgentKeysAuthProvider;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  keys = testKeys();
  provider = agentKeysAuthProvider({ keys, sessionScope: "mcp:session" });
});

afterEach(() => {
  provider[Symbol.dispose]();
  vi.useRealTimers();
});

const minted = () => keys.events.filter((event) => event.type === "key.minted");
const closed = () => keys.events.filter((event) => event.type === "key.closed");
const token = (): string => provider.tokens().access_token;

function refusal(body: () => unknown): AgentKeyError {
  try {
    body();
  } catch (error) {
    if (error instanceof AgentKeyError) return error;
    throw error;
  }
  throw new Error("nothing refused");
}

describe("the running key", () => {
  test("is the bearer of a request inside a call, and the session's outside", async () => {
    const session = token();
    const inside = await keys.withAgentKey("tickets:read", (own) => {
      expect(provider.tokens()).toEqual({ access_token: own, token_type: "Bearer" });
      return own;
    });
    expect(inside).not.toBe(session);
    expect(token()).toBe(session);
    expect(minted().map((event) => event.scopes)).toEqual([["mcp:session"], ["tickets:read"]]);
  });

  test("is each call's own among parallel ones", async () => {
    const both = await Promise.all(
      ["tickets:read", "tickets:reply"].map((scope) =>
        keys.withAgentKey(scope, async (own) => {
          await Promise.resolve();
          return [own, token()];
        }),
      ),
    );
    for (const [own, sent] of both) expect(sent).toBe(own);
    expect(new Set(both.flat()).size).toBe(2);
  });

  test.each([
    ["key_closed", async () => requireKey().close()],
    ["key_expired", async () => keys.clock.advance("12s")],
    ["key_revoked", () => keys.revoke({ id: requireKey().id })],
  ] as const)("that has ended: %s, and the session's does not stand in", async (code, end) => {
    await keys.withAgentKey("tickets:read", async () => {
      await end();
      expect(refusal(token).code).toBe(code);
    });
    expect(minted()).toHaveLength(1);
  });

  test("of other keys goes nowhere: not of another issuer, nor for another audience", async () => {
    const [issuer, audience] = ["https://agents.example", "https://mcp.example"];
    for (const other of [{ issuer: "https://other.example" }, { audience: "https://db.example" }]) {
      const own = testKeys({ issuer, audience });
      const others = testKeys({ issuer, audience, ...other });
      using narrow = agentKeysAuthProvider({ keys: own, sessionScope: "mcp:session" });
      await others.withAgentKey("db:read", () => {
        expect(refusal(() => narrow.tokens()).code).toBe("no_key");
      });
      expect(own.events).toHaveLength(0);
    }
  });

  test("may be of a narrower view of the same keys", async () => {
    const view = keys.for({ agent: "helper", user: "ada" });
    await view.withAgentKey("tickets:read", (own) => expect(token()).toBe(own));
  });
});

describe("without sessionScope", () => {
  test("a request outside any call is refused, and nothing is minted", () => {
    using bare = agentKeysAuthProvider({ keys });
    const error = refusal(() => bare.tokens());
    expect(error.code).toBe("no_key");
    expect(String(error.cause)).toContain("sessionScope");
    expect(minted()).toHaveLength(0);
  });

  test("a tool call has its key", async () => {
    using bare = agentKeysAuthProvider({ keys });
    await keys.withAgentKey("tickets:read", (own) => expect(bare.tokens().access_token).toBe(own));
  });
});

describe("the session key", () => {
  test("is minted when it is first needed, and reused while it has two seconds left", () => {
    expect(minted()).toHaveLength(0);
    const first = token();
    for (let request = 0; request < 200; request++) expect(token()).toBe(first);
    keys.clock.advance("7.999s");
    expect(token()).toBe(first);
    keys.clock.advance(0.001);
    const second = token();
    expect(second).not.toBe(first);
    expect(token()).toBe(second);
    expect(minted()).toHaveLength(2);
  });

  test("of less than four seconds is reused for half its life", () => {
    using brief = agentKeysAuthProvider({
      keys,
      sessionScope: { scope: "mcp:session", expiresIn: "1s" },
    });
    const first = brief.tokens().access_token;
    keys.clock.advance(0.499);
    expect(brief.tokens().access_token).toBe(first);
    keys.clock.advance(0.001);
    expect(brief.tokens().access_token).not.toBe(first);
  });

  test("that was replaced stays open for the requests on their way, and closes as ok", async () => {
    const first = token();
    keys.clock.advance("8s");
    token();
    await expect(keys.verify(first)).resolves.toMatchObject({ scopes: ["mcp:session"] });
    expect(closed()).toHaveLength(0);
    keys.clock.advance("2s");
    vi.advanceTimersByTime(10_000);
    await expect(keys.verify(first)).rejects.toMatchObject({ code: "key_closed" });
    expect(closed()).toMatchObject([
      { keyId: minted()[0]?.keyId, outcome: "ok", scopes: ["mcp:session"] },
      { keyId: minted()[1]?.keyId, outcome: "ok" },
    ]);
  });

  test("takes its user and run from its keys, never from what happens to run", async () => {
    keys.run({ user: "ada", txn: "run-1" }, token);
    using own = agentKeysAuthProvider({
      keys: keys.for({ user: "bob" }),
      sessionScope: "mcp:session",
    });
    keys.run({ user: "ada", txn: "run-1" }, () => own.tokens());
    expect(minted()[0]).not.toHaveProperty("user");
    expect(minted()[0]).not.toHaveProperty("txn");
    expect(minted()[1]).toMatchObject({ user: "bob" });
    expect(minted()[1]).not.toHaveProperty("txn");
  });

  test("is refused by policy on the record, and again the next time", () => {
    const strict = testKeys({ policy: { "test-agent": { allow: [{ scope: "tickets:*" }] } } });
    using denied = agentKeysAuthProvider({ keys: strict, sessionScope: "mcp:session" });
    expect(refusal(() => denied.tokens()).code).toBe("policy_denied");
    expect(refusal(() => denied.tokens()).code).toBe("policy_denied");
    expect(strict.events.filter((event) => event.type === "key.denied")).toHaveLength(2);
  });

  test("is not handed out once its agent is revoked, until restored", async () => {
    const first = token();
    await keys.revoke({ agent: "test-agent" });
    expect(refusal(token).code).toBe("key_revoked");
    await keys.restore({ agent: "test-agent" });
    expect(token()).not.toBe(first);
  });

  test("that was itself revoked is replaced", async () => {
    const first = token();
    await keys.revoke({ id: minted()[0]!.keyId });
    expect(token()).not.toBe(first);
    expect(closed()).toMatchObject([{ keyId: minted()[0]!.keyId, outcome: "error" }]);
  });

  test("is neither sent nor replaced while the store cannot say whether it is revoked", () => {
    const store = memoryStore();
    const away = new AgentKeyError("store_unavailable");
    const flaky = testKeys({ store });
    using over = agentKeysAuthProvider({ keys: flaky, sessionScope: "mcp:session" });
    const first = over.tokens().access_token;
    const stateOf = vi.spyOn(store.keys, "stateOf").mockImplementation(() => {
      throw away;
    });
    expect(refusal(() => over.tokens())).toBe(away);
    stateOf.mockRestore();
    expect(over.tokens().access_token).toBe(first);
  });

  test("closes with the provider, which mints no other", () => {
    token();
    provider[Symbol.dispose]();
    provider[Symbol.dispose]();
    expect(closed()).toMatchObject([{ keyId: minted()[0]?.keyId, outcome: "ok" }]);
    expect(refusal(token).code).toBe("key_closed");
    vi.advanceTimersByTime(60_000);
    expect(minted()).toHaveLength(1);
    expect(closed()).toHaveLength(1);
  });
});

describe("what would start an OAuth flow", () => {
  const steps = [
    "discoveryState",
    "validateResourceURL",
    "clientInformation",
    "saveTokens",
    "redirectToAuthorization",
    "saveCodeVerifier",
    "codeVerifier",
  ] as const;

  test.each(steps)("%s refuses with one error that has no token", async (step) => {
    const session = token();
    expect(
      inspect(
        refusal(() => provider[step]()),
        { depth: 9 },
      ),
    ).not.toContain(session);
    await keys.withAgentKey("tickets:read", (own) => {
      const error = refusal(() => provider[step]());
      expect(error.code).toBe("key_refused");
      expect(error.message).toBe("The server refused the key (tickets:read).");
      expect(inspect(error, { depth: 9 })).not.toContain(own);
    });
  });

  test("says what is known here of the key that was refused", async () => {
    await keys.withAgentKey("tickets:read", () => {
      keys.clock.advance("12s");
      expect(refusal(() => provider.discoveryState()).code).toBe("key_expired");
    });
  });

  test("leaves a session key that was refused to its other requests, and mints another", async () => {
    const first = token();
    expect(refusal(() => provider.discoveryState()).code).toBe("key_refused");
    expect(token()).not.toBe(first);
    await expect(keys.verify(first)).resolves.toMatchObject({ scopes: ["mcp:session"] });
    provider[Symbol.dispose]();
    expect(closed()).toHaveLength(2);
  });

  test("a refused call leaves the session key alone", async () => {
    const session = token();
    await keys.withAgentKey("tickets:read", () => refusal(() => provider.discoveryState()));
    expect(token()).toBe(session);
  });
});

test("a provider shows no token", async () => {
  const session = token();
  await keys.withAgentKey("tickets:read", (own) => {
    const shown = inspect(provider, { showHidden: true, depth: 9 }) + JSON.stringify(provider);
    expect(shown).not.toContain(own);
    expect(shown).not.toContain(session);
  });
});

test.each([
  [undefined, "agentKeysAuthProvider: options are missing"],
  [{}, "keys: must come from createAgentKeys()"],
  [{ keys: {} }, "keys: must come from createAgentKeys()"],
  [{ keys: testKeys(), scope: "mcp:session" }, "scope: is not an option"],
  [{ keys: testKeys(), sessionScope: false }, /^sessionScope: /],
  [{ keys: testKeys(), sessionScope: [] }, /^sessionScope: /],
  [{ keys: testKeys(), sessionScope: "MCP" }, /^sessionScope: /],
  [{ keys: testKeys(), sessionScope: "mcp:*" }, /^sessionScope: /],
])("wrong options are a TypeError at once: %o", (options, message) => {
  expect(() => agentKeysAuthProvider(options as never)).toThrow(TypeError);
  expect(() => agentKeysAuthProvider(options as never)).toThrow(message);
});
