import { Console } from "node:console";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { format, inspect, types } from "node:util";
import { deserialize, serialize } from "node:v8";
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { afterAll, describe, expect, test } from "vitest";
import type { AgentKey } from "./agent-key.ts";
import { createAgentKeys } from "./agent-keys.ts";
import { fileSink } from "./audit/file-sink.ts";
import { memorySink } from "./audit/memory-sink.ts";
import { AgentKeyError } from "./errors.ts";
import { internalsOf } from "./internals.ts";
import { testKeys } from "./testing/index.ts";
import { verifyKey } from "./token/verify-key.ts";

const directory = mkdtempSync(join(tmpdir(), "agent-keys-canary-"));
afterAll(() => rmSync(directory, { recursive: true }));

const ARGUMENT = "canary-argument-5f1d";

/** The parts of a token that must not be seen: its claims and its signature. */
function leaks(text: string, token: string): readonly string[] {
  const [, claims = "", signature = ""] = token.split(".");
  return [claims.slice(0, 40), signature.slice(0, 24), signature.slice(-24)].filter((part) =>
    text.includes(part),
  );
}

function expectNoToken(text: string, token: string): void {
  expect(leaks(text, token)).toEqual([]);
}

const signingKey = generateKeyPairSync("ed25519").privateKey;
const privatePart = signingKey.export({ format: "jwk" }).d ?? "";
const auditKey = Buffer.from("canary-audit-key-canary-audit-key");

describe("a key shown in any way shows no token:", () => {
  const keys = testKeys();
  const key = keys.mint({ scope: "tickets:reply", where: { id: 7 } }, { user: "ada" });
  const error = Object.assign(new Error("failed"), { key, cause: key });
  const form = `AgentKey(${key.id}, tickets:reply, 2026-01-01T00:00:10.000Z)`;
  const everything = { showHidden: true, depth: Infinity, showProxy: true, maxArrayLength: null };

  const ways: readonly (readonly [string, () => string])[] = [
    ["String", () => String(key)],
    ["a concatenation", () => "".concat(key as unknown as string)],
    ["JSON.stringify", () => JSON.stringify([key, { key }])],
    ["JSON.stringify of a copy", () => JSON.stringify(Object.assign({}, key))],
    ["util.format", () => format("%s %o %O %j %d", key, key, key, key, key)],
    ["util.inspect", () => inspect(key)],
    ["util.inspect in an object", () => inspect({ a: [new Map([[key, key]])] }, everything)],
    ["util.inspect with all that is hidden", () => inspect(key, everything)],
    ["util.inspect without its own form", () => inspect(key, { customInspect: false })],
    ["util.inspect of everything", () => inspect(key, { ...everything, customInspect: false })],
    ["util.inspect with getters", () => inspect(key, { ...everything, getters: true })],
    [
      "util.inspect with getters, own form off",
      () => inspect(key, { customInspect: false, getters: true }),
    ],
    ["an error that holds it", () => inspect(error, everything) + String(error.stack)],
    ["a structured clone", () => inspect(structuredClone({ key }), everything)],
    [
      "v8.serialize",
      () => serialize({ key }).toString("latin1") + inspect(deserialize(serialize(key))),
    ],
    [
      "Object.entries, keys and descriptors",
      () =>
        JSON.stringify([
          Object.entries(key),
          Reflect.ownKeys(key),
          Object.getOwnPropertyDescriptors(key),
        ]),
    ],
    ["its keys", () => inspect(keys, everything) + JSON.stringify(keys)],
    ["its keys' inside", () => inspect(internalsOf(keys), { showHidden: true, depth: 4 })],
  ];
  test.each(ways)("%s", (_, show) => {
    expect(leaks(show(), key.token)).toEqual([]);
  });

  test("postMessage", () => {
    const { port1, port2 } = new MessageChannel();
    port1.postMessage({ key });
    const received: unknown = receiveMessageOnPort(port2);
    port1.close();
    expect(inspect(received, everything)).toContain(key.id);
    expectNoToken(inspect(received, everything), key.token);
  });

  test("console.log, error, table, dir", () => {
    const written: string[] = [];
    const stream = new Writable({
      write(chunk, _encoding, done) {
        written.push(String(chunk));
        done();
      },
    });
    const out = new Console(stream);
    out.log(key, { key }, String(key));
    out.error("%o", key);
    out.table([key]);
    out.dir(key, { showHidden: true, depth: Infinity });
    expect(written.join("")).toContain(form);
    expectNoToken(written.join(""), key.token);
  });

  test("and the form it prints as is AgentKey(id, scopes, expiresAt)", () => {
    expect([String(key), inspect(key), JSON.parse(JSON.stringify(key)), format("%s", key)]).toEqual(
      [form, form, form, form],
    );
    expect(types.isProxy(key)).toBe(false);
  });
});

/** Everything that a developer, a log or a model may be shown of an error. */
function shown(error: unknown): string {
  return inspect(error, { showHidden: true, depth: Infinity }) + String((error as Error).stack);
}

describe("an error holds no token, argument or secret:", () => {
  async function caught(run: () => unknown): Promise<unknown> {
    try {
      await run();
    } catch (error) {
      return error;
    }
    throw new Error("nothing was refused");
  }

  test("of verification", async () => {
    const keys = testKeys({ signingKey, auditKey });
    const key: AgentKey = keys.mint({ scope: "tickets:reply", where: { id: 7 }, uses: 1 });
    const { token } = key;
    const [header = "", claims = "", signature = ""] = token.split(".");
    const other = signature.startsWith("A") ? "B" : "A";
    const jwks = keys.jwks();
    const names = { issuer: "urn:x", audience: "urn:x" };
    const options = { jwks, ...names, request: undefined, now: () => keys.clock.now() };
    const request = { scope: "tickets:reply", values: { id: ARGUMENT } };
    const runs = [
      () => keys.verify(`${token}=`),
      () => keys.verify(`${header}.${claims}x.${signature}`),
      () => keys.verify(`${header}.${claims}.${other}${signature.slice(1)}`),
      () => testKeys().verify(token),
      () => keys.verify(token, { request }),
      () => verifyKey(token, options),
      () => verifyKey(token, { ...options, jwks: { keys: [] } }),
      () => verifyKey(token, { ...options, jwks: "http://127.0.0.1:1/jwks" }),
      () => verifyKey(token, { ...options, jwks: `not a url ${ARGUMENT}` }),
      () =>
        keys
          .revoke({ id: "x" })
          .then(() => key.close())
          .then(() => keys.verify(token)),
    ];
    for (const run of runs) {
      const error = await caught(run);
      expectNoToken(shown(error), token);
      expect(shown(error)).not.toContain(ARGUMENT);
      expect(shown(error)).not.toContain(privatePart);
    }
  });

  test("of minting, and none of them is on record either", async () => {
    const policy = { "test-agent": { allow: [{ scope: "tickets:*", where: { id: { max: 9 } } }] } };
    const keys = testKeys({ policy, signingKey, auditKey });
    const mint = (value: unknown, asked: object = { scope: "tickets:reply" }) =>
      internalsOf(keys).mint(() => asked as never, {
        input: { value },
        tool: { name: "reply", callId: "c1", framework: "test" },
        keepAllowing: () => {
          throw new AgentKeyError("constraint_failed", { scopes: ["tickets:reply"] });
        },
      });
    const deep = JSON.parse(`${'{"a":'.repeat(300)}"${ARGUMENT}"${"}".repeat(300)}`) as unknown;
    const runs = [
      () => mint({ text: ARGUMENT }),
      () => mint(deep),
      () => mint({ text: ARGUMENT }, { scope: `tickets:${ARGUMENT} ` }),
      () => mint({ text: ARGUMENT }, { scope: "tickets:reply", where: { id: { not: ARGUMENT } } }),
      () => mint({ text: ARGUMENT }, { scope: "tickets:reply", expiresIn: ARGUMENT }),
      () => keys.mint("tickets:reply", { expiresIn: ARGUMENT as never }),
      () => keys.mint("tickets:reply", { user: ARGUMENT.repeat(99) }),
    ];
    for (const run of runs) {
      const error = await caught(run);
      expect(shown(error)).not.toContain(ARGUMENT);
      expect(shown(error)).not.toContain(privatePart);
    }
    const record = JSON.stringify(keys.events);
    expect(keys.events.length).toBeGreaterThanOrEqual(6);
    expect(record).not.toContain(ARGUMENT);
    expect(record).not.toContain("canary-audit-key");
  });
});

test("no sink gets a token, an argument or a secret, in no event and in no line", async () => {
  const path = join(directory, "audit.jsonl");
  const memory = memorySink();
  const seen: string[] = [];
  const keys = createAgentKeys({
    agent: "bot",
    policy: "allow-all",
    signingKey,
    auditKey,
    audit: [
      memory,
      fileSink(path),
      {
        write: (event, line) =>
          void seen.push(line, inspect(event, { depth: Infinity, showHidden: true })),
      },
      { optional: true, write: async (event, line) => void seen.push(line, JSON.stringify(event)) },
    ],
  });
  const tokens: string[] = [];
  const key = internalsOf(keys).mint(() => "tickets:reply", {
    input: { value: { text: ARGUMENT } },
    tool: { name: "reply", callId: "c1", framework: "test" },
    run: { user: "ada" },
  });
  tokens.push(key.token, keys.for({ agent: "helper", parent: key }).mint("tickets:reply").token);
  await keys
    .withAgentKey("tickets:reply", (token) => {
      tokens.push(token);
      throw new Error(`${token} ${ARGUMENT}`);
    })
    .catch(() => undefined);
  await keys.verify(key.token, { request: { scope: "tickets:reply", values: { text: ARGUMENT } } });
  await keys.revoke({ id: key.id });
  key.close();
  keys.rotate();
  await keys.flush();
  const record = [JSON.stringify(memory.events), readFileSync(path, "utf8"), ...seen].join("\n");
  expect(record).toContain('"argsDigest"');
  expect(memory.events.map(({ type }) => type)).toContain("key.revoked");
  expect(tokens).toHaveLength(3);
  for (const token of tokens) expectNoToken(record, token);
  for (const secret of [ARGUMENT, privatePart, "canary-audit-key"])
    expect(record).not.toContain(secret);
});

test("no warning holds one: an optional sink's own error may quote the event", async () => {
  const warnings: string[] = [];
  const onWarning = (warning: Error) => void warnings.push(shown(warning));
  process.on("warning", onWarning);
  const keys = createAgentKeys({
    agent: "bot",
    policy: "allow-all",
    audit: [memorySink(), { optional: true, write: () => Promise.reject(new Error(ARGUMENT)) }],
  });
  const { token } = keys.mint("tickets:reply");
  await keys.flush();
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  process.off("warning", onWarning);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).not.toContain(ARGUMENT);
  expectNoToken(warnings[0]!, token);
});
