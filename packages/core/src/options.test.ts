import { createSecretKey, generateKeyPairSync } from "node:crypto";
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createAgentKeys } from "./agent-keys.ts";
import { memorySink } from "./audit/memory-sink.ts";
import { type AgentKeysOptions, openIssuer } from "./options.ts";
import { memoryStore } from "./store/memory-store.ts";

const base = (): AgentKeysOptions => ({ agent: "bot", policy: "allow-all", audit: memorySink() });

describe("a TypeError names the option:", () => {
  const long = "x".repeat(257);
  const halfStore = { keys: memoryStore().keys, uses: { reserve: () => undefined } };
  const wrong: readonly (readonly [string, object, string])[] = [
    ["an option that does not exist", { polices: {} }, "polices: not an option"],
    ["no agent", { agent: undefined }, "agent: must be a string of 1 to 256"],
    ["an empty agent", { agent: "" }, "agent: must be a string of 1 to 256"],
    ["an agent that is too long", { agent: long }, "agent: must be a string of 1 to 256"],
    ["half a character", { agent: "\udc00" }, "agent: must be a string of 1 to 256"],
    ["a user that is no text", { user: 7 }, "user: must be a string of 1 to 256"],
    ["an empty run", { txn: "" }, "txn: must be a string of 1 to 256"],
    ["an issuer that is too long", { issuer: long }, "issuer: must be a string of 1 to 256"],
    ["audiences", { audience: ["a"] }, "audience: must be a string of 1 to 256"],
    ["no policy", { policy: undefined }, 'policy: is missing; "allow-all" must be written'],
    ["a policy of null", { policy: null }, "policy: "],
    ["a policy in other words", { policy: "allow" }, "policy: "],
    [
      "a policy with a bad rule",
      { policy: { bot: { allow: [{ scope: "x" }] } } },
      "policy.bot.allow[0].scope: ",
    ],
    ["an empty list of signing keys", { signingKey: [] }, "signingKey: is an empty list"],
    ["an empty signing key", { signingKey: "" }, "signingKey: neither a JWK, nor PEM"],
    ["a signing key of null", { signingKey: null }, "signingKey: not an Ed25519"],
    [
      "one bad signing key of two",
      { signingKey: [generateKeyPairSync("ed25519").privateKey, {}] },
      "signingKey[1]: not",
    ],
    ["no sink", { audit: undefined }, "audit: needs at least one sink"],
    ["an empty list of sinks", { audit: [] }, "audit: needs at least one sink"],
    ["a sink that is none", { audit: [memorySink(), {}] }, "audit[1]: a sink is a function"],
    ["a sink of null", { audit: [null] }, "audit[0]: a sink is a function"],
    ["a path as a sink", { audit: "audit.jsonl" }, "audit[0]: a sink is a function"],
    [
      "an asynchronous sink",
      { audit: async () => undefined },
      "audit[0]: a gating sink must be synchronous",
    ],
    ["a store that is none", { store: {} }, "store: must have keys and uses"],
    ["a store of null", { store: null }, "store: must have keys and uses"],
    ["half a store", { store: halfStore }, "store: must have keys and uses"],
    ["a short audit key", { auditKey: Buffer.alloc(31) }, "auditKey: must be at least 32 bytes"],
    ["an audit key as text", { auditKey: "k".repeat(32) }, "auditKey: must be at least 32 bytes"],
    [
      "a short secret",
      { auditKey: createSecretKey(Buffer.alloc(31)) },
      "auditKey: must be a secret key",
    ],
    [
      "a public audit key",
      { auditKey: generateKeyPairSync("ed25519").publicKey },
      "auditKey: must be a secret key",
    ],
    ["a bare name to redact", { redact: "owner" }, "redact: must be a list of names"],
    ["numbers to redact", { redact: [1] }, "redact: must be a list of names"],
    [
      "a word for unbound that is none",
      { unbound: "allow" },
      'unbound: must be "refuse" or "audience"',
    ],
    [
      "an audience that is not set",
      { unbound: "audience" },
      'unbound: is "audience", but no audience',
    ],
    ["a clock that is no function", { now: 0 }, "now: must be a function"],
  ];
  test.each(wrong)("%s", (_, over, message) => {
    const open = () => createAgentKeys({ ...base(), ...over });
    expect(open).toThrow(TypeError);
    expect(open).toThrow(message);
  });

  test.each([[undefined], [null], [7]])("options of %j", (options) => {
    expect(() => createAgentKeys(options as never)).toThrow(
      new TypeError("createAgentKeys: options are missing"),
    );
  });
});

test("the issuer is a URN of the first signing key's id, and its own audience", () => {
  const issuer = openIssuer(base());
  expect(issuer.iss).toBe(`urn:agent-keys:${issuer.ring.current().kid}`);
  expect(issuer.audience).toBe(issuer.iss);
  const named = openIssuer({ ...base(), issuer: "urn:desk", unbound: "refuse" });
  expect([named.iss, named.audience]).toEqual(["urn:desk", "urn:desk"]);
});

test("a key id that makes the issuer's name too long is refused at once, not by every verifier", () => {
  const jwk = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  const signingKey = { ...jwk, kid: "k".repeat(250) };
  expect(() => openIssuer({ ...base(), signingKey })).toThrow(/^issuer: /);
  expect(openIssuer({ ...base(), signingKey, issuer: "urn:desk" }).iss).toBe("urn:desk");
});

test("the default store goes by the clock that keys go by", async () => {
  const keys = createAgentKeys({ ...base(), now: () => 1_000 });
  const key = keys.mint({ scope: "tickets:reply", uses: 1 });
  const request = { scope: "tickets:reply" };
  await expect(keys.verify(key.token, { request, consume: true })).resolves.toMatchObject({
    id: key.id,
  });
});

test("what the caller changes later does not change the policy", () => {
  const allow = [{ scope: "tickets:read" }];
  const keys = createAgentKeys({ ...base(), policy: { bot: { allow } } });
  allow.push({ scope: "tickets:reply" });
  expect(() => keys.mint("tickets:reply")).toThrow(
    "Policy does not allow this call (tickets:reply).",
  );
});

describe("AGENT_KEYS_SIGNING_KEY", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });
  const { privateKey } = generateKeyPairSync("ed25519");
  const jwk = { ...privateKey.export({ format: "jwk" }), kid: "from-env" };
  const pem = privateKey.export({ format: "pem", type: "pkcs8" }) as string;
  const directory = mkdtempSync(join(tmpdir(), "agent-keys-env-"));
  const file = join(directory, "key.json");
  writeFileSync(file, JSON.stringify(jwk));
  chmodSync(file, 0o600);
  const kid = openIssuer({ ...base(), signingKey: privateKey }).ring.current().kid;

  test.each([
    ["a JWK", JSON.stringify(jwk), "from-env"],
    ["PEM", pem, kid],
    ["a path", file, "from-env"],
  ])("may be %s", (_, value, expected) => {
    vi.stubEnv("AGENT_KEYS_SIGNING_KEY", value);
    expect(openIssuer(base()).ring.current().kid).toBe(expected);
  });

  test("yields to the option, and to nothing when it is empty", () => {
    vi.stubEnv("AGENT_KEYS_SIGNING_KEY", file);
    expect(openIssuer({ ...base(), signingKey: pem }).ring.current().kid).toBe(kid);
    vi.stubEnv("AGENT_KEYS_SIGNING_KEY", "");
    expect(openIssuer(base()).ring.current().kid).not.toBe("from-env");
  });

  test("that is wrong is named, and not quoted", () => {
    vi.stubEnv("AGENT_KEYS_SIGNING_KEY", JSON.stringify(jwk).slice(0, -4));
    expect(() => openIssuer(base())).toThrow(
      /^AGENT_KEYS_SIGNING_KEY: not an Ed25519 private key \(/,
    );
    chmodSync(file, 0o644);
    vi.stubEnv("AGENT_KEYS_SIGNING_KEY", file);
    expect(() => openIssuer(base())).toThrow(
      /^AGENT_KEYS_SIGNING_KEY: the key file is open to group/,
    );
  });
});
