import { AgentKeyError } from "@agent-keys/core";
import { testKeys } from "@agent-keys/core/testing";
import { describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { type ExecuteOptions, wrapTool, wrapTools } from "./index.ts";

const keys = testKeys();
const inputSchema = z.object({ ticketId: z.string() });
const execute = vi.fn<(input: { ticketId: string }, options: ExecuteOptions) => string>(
  () => "ran",
);
const getTicket = { inputSchema, execute };
const askUser = { inputSchema, outputSchema: z.string() };
const CALL: ExecuteOptions = { toolCallId: "call-1", messages: [] };

/** As JavaScript would call it, or a cast. */
const wrapAll = wrapTools as (tools: unknown, options: unknown) => unknown;
const wrapOne = wrapTool as (tool: unknown, options: unknown) => unknown;
const scopes = { getTicket: "tickets:read" };

describe("wrapTools throws a TypeError at once, naming what is wrong", () => {
  test.each([
    ["no scope", { keys }, "scopes.getTicket: missing"],
    ["an undefined scope", { keys, scopes: { getTicket: undefined } }, "scopes.getTicket: missing"],
    [
      "an unknown tool",
      { keys, scopes: { ...scopes, getTickets: "a:b" } },
      "scopes.getTickets: there is no",
    ],
    [
      "a name that every object has",
      { keys, scopes: { ...scopes, toString: "a:b" } },
      "scopes.toString: there",
    ],
    ["a scope that is none", { keys, scopes: { getTicket: "tickets" } }, "scopes.getTicket: "],
    ["a wildcard", { keys, scopes: { getTicket: "tickets:*" } }, "scopes.getTicket: "],
    ["a scope of true", { keys, scopes: { getTicket: true } }, "scopes.getTicket: "],
    ["a scope of null", { keys, scopes: { getTicket: null } }, "scopes.getTicket: "],
    ["no scope in a list", { keys, scopes: { getTicket: [] } }, "scopes.getTicket: "],
    [
      "a megabyte of scope",
      { keys, scopes: { getTicket: `a:${"b".repeat(1 << 20)}` } },
      "scopes.getTicket: ",
    ],
    [
      "a misspelt constraint",
      { keys, scopes: { getTicket: { scope: "a:b", where: { ticket: 1 } } } },
      'scopes.getTicket: where names "ticket"',
    ],
    ["scopes in a list", { keys, scopes: [scopes] }, "scopes: must be an object"],
    ["a static default", { keys, defaultScope: "a:b" }, "defaultScope: must be a function"],
    ["no keys", { scopes }, "keys: must come from createAgentKeys()"],
    ["keys made elsewhere", { keys: { mint: () => undefined }, scopes }, "keys: must come from"],
    ["an unknown option", { keys, scopes, scope: "a:b" }, "scope: not an option"],
    ["an option of wrapTool", { keys, scopes, name: "getTicket" }, "name: not an option"],
    ["a life of a day", { keys, scopes, expiresIn: 86_400 }, "expiresIn: must be"],
    [
      "context that is no function",
      { keys, scopes, context: { user: "u" } },
      "context: must be a function",
    ],
    [
      "an argument that no tool has",
      { keys, scopes, args: { ticketId: "id" } },
      "args.ticketId: no wrapped tool",
    ],
    ["options that are none", undefined, "options: must be an object"],
  ])("%s", (_, options, message) => {
    const wrap = (): unknown => wrapAll({ getTicket }, options);
    expect(wrap).toThrow(TypeError);
    expect(wrap).toThrow(message);
  });

  test.each([
    ["a list of tools", [getTicket], "tools: must be an object"],
    ["no tools", undefined, "tools: must be an object"],
    ["a tool that is none", { getTicket: undefined }, "tools.getTicket: must be a tool"],
    ["a tool's factory", { getTicket: () => getTicket }, "tools.getTicket: must be a tool"],
    ["a name of a megabyte", { ["x".repeat(1 << 20)]: getTicket }, "a name is 1 to 256 characters"],
    ["a name of nothing", { "": getTicket }, "a name is 1 to 256 characters"],
  ])("%s", (_, tools, message) => {
    const wrap = (): unknown => wrapAll(tools, { keys, defaultScope: () => "a:b" });
    expect(wrap).toThrow(TypeError);
    expect(wrap).toThrow(message);
  });

  test("a scope for a tool that is not executed here: it would lie inert", () => {
    const wrap = (): unknown => wrapTools({ askUser }, { keys, scopes: { askUser: "a:b" } });
    expect(wrap).toThrow(
      new TypeError('scopes.askUser: tool "askUser" is not executed here, so no key can be minted'),
    );
    expect(wrapTools({ askUser }, { keys, scopes: { askUser: false } }).askUser).toBe(askUser);
  });

  test("a policy that constrains what no tool has an argument for", () => {
    const typo = testKeys({
      policy: { "test-agent": { allow: [{ scope: "tickets:*", where: { tiketId: "t" } }] } },
    });
    expect(() => wrapAll({ getTicket }, { keys: typo, scopes })).toThrow(/policy: .*"tiketId"/);
  });
});

describe("wrapTool throws a TypeError at once, naming what is wrong", () => {
  const name = "getTicket";
  test.each([
    ["no name", { keys, scope: "a:b" }, "name: must be the tool's name"],
    ["no scope", { keys, name }, 'scope: missing for tool "getTicket"'],
    ["a scope that is none", { keys, name, scope: "tickets" }, /^scope: /],
    [
      "a misspelt constraint",
      { keys, name, scope: { scope: "a:b", where: { ticket: 1 } } },
      /^scope: where names "ticket"/,
    ],
    ["no keys", { name, scope: "a:b" }, "keys: must come from"],
    ["an option of wrapTools", { keys, name, scope: "a:b", scopes }, "scopes: not an option"],
  ])("%s", (_, options, message) => {
    const wrap = (): unknown => wrapOne(getTicket, options);
    expect(wrap).toThrow(TypeError);
    expect(wrap).toThrow(message);
  });

  test("a tool that is none, or is not executed here", () => {
    const options = { keys, name, scope: "a:b" };
    expect(() => wrapOne(undefined, options)).toThrow(
      new TypeError("tool: must be a tool of the AI SDK"),
    );
    expect(() => wrapOne(askUser, options)).toThrow(
      /^scope: tool "getTicket" is not executed here/,
    );
    expect(wrapOne(askUser, { ...options, scope: false })).toBe(askUser);
  });
});

describe("what goes wrong at a call is a refusal: the body never runs", () => {
  test.each([
    [
      "a scope function that throws",
      {
        scope: () => {
          throw new Error("oops");
        },
      },
      "scope_invalid",
    ],
    ["a scope function that gives none", { scope: () => undefined }, "scope_invalid"],
    ["an asynchronous scope function", { scope: () => Promise.resolve("a:b") }, "scope_invalid"],
    [
      "an asynchronous context",
      { scope: "a:b", context: () => Promise.resolve({ user: "u" }) },
      "input_invalid",
    ],
    ["a user of no name", { scope: "a:b", context: () => ({ user: "" }) }, "input_invalid"],
  ])("%s", (_, options, code) => {
    const denied = testKeys();
    execute.mockClear();
    const tool = wrapOne(getTicket, {
      keys: denied,
      name: "getTicket",
      ...options,
    }) as typeof getTicket;

    expect(() => tool.execute({ ticketId: "t" }, CALL)).toThrow(AgentKeyError);
    expect(denied.events).toMatchObject([{ type: "key.denied", code }]);
    expect(execute).not.toHaveBeenCalled();
  });

  test("a constraint from policy is checked under the argument's own name, or the one in args", () => {
    const policy = {
      "test-agent": { allow: [{ scope: "tickets:*", where: { ticket: { prefix: "A-" } } }] },
    };
    const narrow = testKeys({ policy });
    execute.mockClear();
    const tool = wrapTool(getTicket, {
      keys: narrow,
      name: "getTicket",
      scope: "tickets:read",
      args: { ticket: "ticketId" },
    });

    expect(tool.execute({ ticketId: "A-1" }, CALL)).toBe("ran");
    expect(() => tool.execute({ ticketId: "B-1" }, CALL)).toThrow(AgentKeyError);
    expect(narrow.events.map((event) => event.type)).toEqual([
      "key.minted",
      "key.closed",
      "key.denied",
    ]);
    expect(execute).toHaveBeenCalledOnce();
  });

  test("expiresIn is the life of keys whose scope names none", () => {
    const timed = testKeys();
    const tools = wrapTools(
      { long: getTicket, own: getTicket },
      {
        keys: timed,
        expiresIn: "2m",
        scopes: { long: "a:b", own: { scope: "a:b", expiresIn: 5 } },
      },
    );

    tools.long.execute({ ticketId: "t" }, CALL);
    tools.own.execute({ ticketId: "t" }, CALL);

    const lives = timed.events.flatMap((event) =>
      event.type === "key.minted" ? [Date.parse(event.expiresAt) - timed.clock.now()] : [],
    );
    expect(lives).toEqual([120_000, 5_000]);
  });
});
