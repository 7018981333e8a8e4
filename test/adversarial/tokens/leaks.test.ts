import { AgentKeyError, createAgentKeys, currentKey, fileSink, memorySink } from "@agent-keys/core";
import { strictEqual } from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { format, inspect } from "node:util";
import { deserialize, serialize } from "node:v8";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { wrappedTools } from "../wrapped.ts";
import { type Desk, openDesk } from "./desk.ts";

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk();
});
afterAll(() => desk[Symbol.asyncDispose]());

/** A token is its own canary; so is each part that is worth something, in any usual coding. */
function traces(token: string): string[] {
  const [, claims = "", signature = ""] = token.split(".");
  const bytes = Buffer.from(signature, "base64url");
  const coded = [bytes.toString("hex"), bytes.toString("base64"), encodeURIComponent(token)];
  return [token, claims, signature, Buffer.from(token).toString("base64"), ...coded];
}

/**
 * Everything that can be got out of a value by printing it. Short of one: with all of `showHidden`,
 * `getters` and `customInspect: false`, `inspect` calls every getter, which is to ask for the token.
 */
function printed(value: unknown): string {
  const everything = { depth: Infinity, showHidden: true, maxArrayLength: null };
  return [
    inspect(value, { ...everything, getters: true }),
    inspect(value, { ...everything, customInspect: false }),
    inspect(value, { ...everything, showHidden: false, getters: true, customInspect: false }),
    inspect([{ value }], everything),
    format("%s %o %O %j", value, value, value, value),
    JSON.stringify({ value }),
    String(value),
  ].join("\n");
}

function expectNoTrace(token: string, text: string): void {
  for (const trace of traces(token)) expect(text).not.toContain(trace);
}

describe("a key does not give its token away", () => {
  const ways: Record<string, (key: object) => string> = {
    "printed, inspected, formatted, as JSON": (key) => printed(key),
    "printed with what surrounds it": (key) => printed({ state: new Map([["key", [key]]]) }),
    "spread, listed, copied": (key) =>
      printed([{ ...key }, Object.entries(key), Object.assign({}, key), Object.values(key)]),
    cloned: (key) => printed([structuredClone(key), deserialize(serialize(key))]),
    "by what it owns": (key) => printed(Object.getOwnPropertyDescriptors(key)),
    "in an error": (key) => printed(new Error(`with ${key as unknown as string}`, { cause: key })),
    "as a failed assertion shows it": (key) => {
      try {
        strictEqual(key, {});
      } catch (error) {
        return printed(error);
      }
      return "";
    },
  };
  test.each(Object.keys(ways))("%s", (name) => {
    const key = desk.keys.mint(
      { scope: "tickets:read", where: { owner: "acme" } },
      { user: "ada" },
    );
    const text = ways[name]?.(key) ?? "";
    expect(text).toContain(key.id);
    expectNoTrace(key.token, text);
  });

  test("control: a copy that asks for the token is found out", () => {
    const key = desk.keys.mint("tickets:read");
    expect(() => expectNoTrace(key.token, printed({ token: key.token }))).toThrow(/to contain/);
    expect(() => expectNoTrace(key.token, key.token.split(".")[2] ?? "")).toThrow(/to contain/);
  });

  test("by console.log, in the very bytes that are written", () => {
    const key = desk.keys.mint("tickets:read");
    const written: string[] = [];
    const spies = [console.log, console.error, console.dir, console.table].map((_, at) =>
      vi
        .spyOn(console, (["log", "error", "dir", "table"] as const)[at] ?? "log")
        .mockImplementation((...values: unknown[]) => void written.push(format(...values))),
    );
    console.log(key, { key });
    console.error(key);
    console.dir(key);
    console.table([key]);
    for (const spy of spies) spy.mockRestore();
    expect(written.join("\n")).toContain(key.id);
    expectNoTrace(key.token, written.join("\n"));
  });
});

test("no refusal holds the token it refused, nor does its stack or its causes", async () => {
  const { header, claims } = desk.parts();
  const now = (claims["iat"] as number) - 1000;
  const stale = { ...claims, iat: now, nbf: now, exp: now + 10 };
  const good = desk.forge(claims);
  const limited = desk.forge({
    ...claims,
    authorization_details: [
      { type: "agent_key", actions: ["tickets:read"], constraints: { a: "b" } },
    ],
  });
  const closed = desk.keys.mint("tickets:read");
  closed.close();
  const attempts: (readonly [token: string, request?: object])[] = [
    [`${good} `],
    [good.slice(0, -1) + (good.endsWith("A") ? "Q" : "A")],
    [`${good}\n${good}`],
    [desk.forge(claims, { ...header, alg: "none" })],
    [desk.forge(claims, { ...header, kid: good })],
    [desk.forge({ ...claims, aud: good })],
    [desk.forge({ ...claims, [good]: good })],
    [desk.forge(`${JSON.stringify(claims)}${good}`)],
    [desk.forge(stale)],
    [closed.token],
    [limited, { scope: "tickets:read", values: { a: good } }],
    [limited, { scope: good, values: { [good]: good } }],
    [good, { scope: "mail:send" }],
  ];
  const codes = new Set<string>();
  for (const [token, request] of attempts) {
    const error: unknown = await desk.keys
      .verify(token, request === undefined ? {} : { request: request as { scope: string } })
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    expect(error).toBeInstanceOf(AgentKeyError);
    codes.add((error as AgentKeyError).code);
    const text = `${printed(error)}${(error as AgentKeyError).stack}`;
    expectNoTrace(good, text);
    expectNoTrace(token, text);
  }
  const all = [
    "constraint_failed",
    "insufficient_scope",
    "key_closed",
    "key_expired",
    "token_invalid",
  ];
  expect([...codes].toSorted()).toEqual(all);
});

test("no record has a token, whatever becomes of the key and its tool", async () => {
  const folder = mkdtempSync(join(tmpdir(), "agent-keys-leaks-"));
  const path = join(folder, "audit.jsonl");
  const tokens: string[] = [];
  const sink = memorySink();
  const policy = { bot: { allow: [{ scope: "tickets:*", where: { owner: "acme" } }] } };
  const audit = [sink, fileSink(path)];
  const keys = createAgentKeys({ agent: "bot", policy, audit, redact: ["owner"] });
  const asked = (): { scope: string } => {
    tokens.push(keys.mint({ scope: "tickets:read", where: { owner: "acme" } }).token);
    return { scope: "tickets:read" };
  };
  for (const { call } of wrappedTools(keys, asked)) {
    await call({ owner: "acme" });
    await call({ owner: "evil" });
    await call({ owner: tokens.at(-1) });
  }
  await keys
    .withAgentKey({ scope: "tickets:read", where: { owner: "acme" } }, (token) => {
      tokens.push(token, currentKey()?.token ?? "");
      throw new Error(`leaks ${token}`);
    })
    .catch(() => undefined);
  await keys.revoke({ agent: "bot" }, { reason: "a test" });
  expect(() => keys.mint("tickets:read")).toThrow(AgentKeyError);
  await keys.flush();
  const logs = inspect(await keys.logs(), { depth: null });
  const text = [JSON.stringify(sink.events), readFileSync(path, "utf8"), logs].join("\n");
  rmSync(folder, { recursive: true });
  const types = ["key.minted", "key.closed", "key.denied", "key.revoked"];
  for (const type of types) expect(text.split(type).length).toBeGreaterThan(3);
  expect(new Set(tokens).size).toBe(7);
  for (const token of tokens) expectNoTrace(token, text);
});
