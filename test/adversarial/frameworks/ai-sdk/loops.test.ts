import { call } from "../compare.ts";
import { callOf } from "../model-server.ts";
import { type Case, compareCases, id, noting, type Options } from "./cases.ts";
import { sdks } from "./sdks.ts";

const cases: readonly Case[] = [
  {
    name: "values, promises and nothing, step after step",
    tools: (journal) => ({
      value: noting(journal, "value", (input) => ({ ...input, nested: [1, null, true] })),
      promise: noting(journal, "promise", async (input) => await Promise.resolve(input.id)),
      nothing: noting(journal, "nothing", () => undefined),
    }),
    turns: [
      { text: "let me see", ...callOf("value", id) },
      callOf("promise", id),
      callOf("nothing", id),
      { text: "all of it is done" },
    ],
    audit: [...call("value"), ...call("promise"), ...call("nothing")],
  },
  {
    name: "parallel calls, that end in another order than they begin",
    tools: (journal) => {
      const second = Promise.withResolvers<void>();
      return {
        get: noting(journal, "get", async (input) => {
          if (input.id === "2") second.resolve();
          await second.promise;
          // The first has further to go.
          for (let turns = input.id === "1" ? 20 : 0; turns > 0; turns--) await Promise.resolve();
          return input.id;
        }),
      };
    },
    turns: [
      {
        calls: ["1", "2"].map((one) => ({ id: `call-${one}`, name: "get", args: { id: one } })),
      },
    ],
    audit: [
      "minted get call-1",
      "minted get call-2",
      "closed get call-2 ok",
      "closed get call-1 ok",
    ],
  },
  {
    name: "parallel calls of tools of every kind",
    tools: (journal) => ({
      promise: noting(journal, "promise", async (input) => await Promise.resolve(input.id)),
      value: noting(journal, "value", (input) => input.id),
      rejects: noting(journal, "rejects", async () => await Promise.reject(new Error("no"))),
      throws: noting(journal, "throws", () => {
        throw new Error("no");
      }),
    }),
    turns: [
      {
        calls: ["promise", "rejects", "value", "promise", "throws", "value"].map((name, index) => ({
          id: `call-${index}`,
          name,
          args: id,
        })),
      },
    ],
    audit: [
      "minted promise call-0",
      "minted rejects call-1",
      ...call("value", "ok", "call-2"),
      "minted promise call-3",
      ...call("throws", "error", "call-4"),
      ...call("value", "ok", "call-5"),
      "closed promise call-0 ok",
      "closed rejects call-1 error",
      "closed promise call-3 ok",
    ],
  },
  {
    name: "errors, thrown at once and later, of any kind",
    tools: (journal) => ({
      atOnce: noting(journal, "atOnce", () => {
        throw Object.assign(new RangeError("no such ticket", { cause: "why" }), { status: 404 });
      }),
      later: noting(journal, "later", async () => await Promise.reject(new Error("gone"))),
      text: noting(journal, "text", () => {
        throw "a text"; // oxlint-disable-line typescript/only-throw-error -- tools do throw texts
      }),
    }),
    turns: [callOf("atOnce", id), callOf("later", id), callOf("text", id)],
    audit: [...call("atOnce", "error"), ...call("later", "error"), ...call("text", "error")],
  },
  {
    name: "streaming tools: preliminary results, one that ends in an error, one that is empty",
    tools: (journal) => ({
      rows: noting(journal, "rows", async function* (input) {
        yield await Promise.resolve({ row: 1, ...input });
        journal.note("rows", "between");
        yield { row: 2, ...input };
      }),
      breaks: noting(journal, "breaks", async function* () {
        yield await Promise.resolve("first");
        throw new Error("the table is gone");
      }),
      iterable: noting(journal, "iterable", () => ({
        [Symbol.asyncIterator]: async function* () {
          journal.note("iterable", "begun");
          yield await Promise.resolve("only");
        },
      })),
      empty: noting(journal, "empty", async function* () {}),
    }),
    turns: [callOf("rows", id), callOf("breaks", id), callOf("iterable", id), callOf("empty", id)],
    audit: [...call("rows"), ...call("breaks", "error"), ...call("iterable"), ...call("empty")],
  },
  {
    name: "what no tool gets: invalid input, malformed input, an unknown tool",
    tools: (journal) => ({ get: noting(journal, "get", ({ id: given }) => given) }),
    turns: [
      callOf("get", { id: 7 }, "call-1"),
      callOf("get", "{not json", "call-2"),
      callOf("gone", id),
      callOf("get", id),
    ],
    audit: call("get"),
  },
  {
    name: "repair of a tool call",
    tools: (journal) => ({ get: noting(journal, "get", ({ id: given }) => given) }),
    settings: (journal) => ({
      experimental_repairToolCall: (event: Options) => {
        const { toolCall, error, tools, ...rest } = event as {
          readonly toolCall: { readonly toolName: string };
          readonly tools: object;
          readonly error: unknown;
          readonly inputSchema: (of: { readonly toolName: string }) => unknown;
        };
        const schema = rest.inputSchema({ toolName: "get" });
        journal.tell("repair", toolCall, Object.keys(tools), schema, rest, error);
        if (toolCall.toolName !== "get") throw error;
        return { ...toolCall, input: JSON.stringify(id) };
      },
    }),
    turns: [callOf("get", { id: 7 }), callOf("gone", id)],
    audit: call("get"),
  },
];

compareCases(cases, { sdks });
