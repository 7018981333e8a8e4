import { call, type Journal } from "../compare.ts";
import { callOf } from "../model-server.ts";
import { type Case, id, type Input, noting, schema } from "./cases.ts";
import type { LangChain } from "./versions.ts";

function runnableTool({ runnables }: LangChain, journal: Journal) {
  const lookUp = (input: Input): string => {
    journal.note("runnable", input);
    return `${input.id} by a runnable`;
  };
  const described = { name: "runnable", description: "a runnable", schema };
  return runnables.RunnableLambda.from(lookUp).asTool(described);
}

/** What every kind of tool does, in every kind of run. */
export const toolCases: readonly (Case & { readonly inGraphs?: boolean })[] = [
  {
    name: "values, objects and nothing, step after step",
    tools: (journal, lang) => [
      noting(lang, journal, "value", ({ id: given }) => given),
      noting(lang, journal, "object", async (input) => ({ ...input, nested: [1, null] })),
      noting(lang, journal, "nothing", () => undefined),
    ],
    turns: [
      { text: "let me see", ...callOf("value", id) },
      callOf("object", id),
      callOf("nothing", id),
    ],
    audit: [...call("value"), ...call("object"), ...call("nothing")],
  },
  {
    name: "every kind of tool: class, text, JSON Schema",
    tools: (journal, lang) => {
      class Lookup extends lang.tools.StructuredTool {
        readonly #prefix = "looked up ";
        override name = "lookup";
        override description = "a class";
        override schema = schema;
        get label(): string {
          return this.#prefix;
        }
        protected override async _call(input: Input): Promise<string> {
          journal.note("lookup", input);
          return this.label + input.id;
        }
      }
      const text = lang.tools.tool(
        (input: string) => {
          journal.note("text", input);
          return input;
        },
        { name: "text", description: "takes text" },
      );
      const json = { type: "object", properties: { id: { type: "string" } }, required: ["id"] };
      return [
        new Lookup(),
        text,
        noting(lang, journal, "json", (input) => input, { schema: json }),
      ];
    },
    turns: [callOf("lookup", id), callOf("text", { input: "words" }), callOf("json", id)],
    audit: [...call("lookup"), ...call("text"), ...call("json")],
  },
  {
    name: "a runnable as a tool",
    tools: (journal, lang) => [runnableTool(lang, journal)],
    turns: [callOf("runnable", id)],
    audit: call("runnable"),
    // A copy of it that withConfig() makes takes no tool call.
    audits: { "tool.withConfig, pipe": [] },
    // Streamed by itself it comes in one chunk: see intended.test.ts. It has no `call`.
    except: ["tool.stream", "tool.streamEvents", "tool.call"],
  },
  {
    name: "artifacts, messages and content blocks",
    tools: (journal, lang) => [
      noting(lang, journal, "artifact", ({ id: given }) => [given, { raw: [given] }], {
        responseFormat: "content_and_artifact",
        metadata: { team: "a" },
        tags: ["t"],
        extras: { cache: true },
        verboseParsingErrors: true,
        defaultConfig: { metadata: { from: "default" }, runName: "renamed" },
      }),
      noting(lang, journal, "noPair", () => "text", { responseFormat: "content_and_artifact" }),
      noting(lang, journal, "message", () => {
        const fields = { content: "mine", status: "error", tool_call_id: "call-message" };
        return new lang.messages.ToolMessage(fields as never);
      }),
      noting(lang, journal, "blocks", () => [{ type: "text", text: "one" }]),
    ],
    turns: [
      callOf("artifact", id),
      callOf("noPair", id),
      callOf("message", id),
      callOf("blocks", id),
    ],
    audit: [...call("artifact"), ...call("noPair"), ...call("message", "error"), ...call("blocks")],
  },
  {
    name: "streaming tools: chunks, one that ends in an error",
    tools: (journal, lang) => [
      noting(lang, journal, "rows", async function* (input) {
        yield { row: 1, ...input };
        yield { row: 2, ...input };
        return "two rows";
      }),
      noting(lang, journal, "breaks", async function* () {
        yield "first";
        throw new Error("the table is gone");
      }),
    ],
    turns: [callOf("rows", id), callOf("breaks", id)],
    audit: [...call("rows"), ...call("breaks", "error")],
    streaming: true,
  },
  {
    name: "errors, thrown at once and later",
    tools: (journal, lang) => [
      noting(lang, journal, "throws", () => {
        throw Object.assign(new RangeError("no such ticket", { cause: "why" }), { status: 404 });
      }),
      noting(lang, journal, "rejects", async () => await Promise.reject(new Error("gone"))),
    ],
    turns: [callOf("throws", id), callOf("rejects", id)],
    audit: [...call("throws", "error"), ...call("rejects", "error")],
  },
  {
    name: "what no tool gets: an unknown tool, invalid input",
    tools: (journal, lang) => [noting(lang, journal, "get", ({ id: given }) => given)],
    turns: [callOf("get", id), callOf("gone", id), callOf("get", { id: 7 }, "call-invalid")],
    audit: call("get"),
  },
  {
    name: "parallel calls of tools of every kind",
    tools: (journal, lang) => {
      class AtOnce extends lang.tools.StructuredTool {
        override name = "atOnce";
        override description = "a class";
        override schema = schema;
        protected override async _call(input: Input): Promise<string> {
          journal.note("atOnce", input);
          return input.id;
        }
      }
      return [
        new AtOnce(),
        noting(lang, journal, "later", async (input) => input),
        noting(lang, journal, "rejects", async () => await Promise.reject(new Error("gone"))),
      ];
    },
    turns: [
      {
        calls: ["later", "atOnce", "rejects", "later", "atOnce"].map((name, index) => ({
          id: `call-${index}`,
          name,
          args: id,
        })),
      },
    ],
    audit: [
      ...call("later", "ok", "call-0"),
      ...call("atOnce", "ok", "call-1"),
      ...call("rejects", "error", "call-2"),
      ...call("later", "ok", "call-3"),
      ...call("atOnce", "ok", "call-4"),
    ],
  },
  {
    name: "parallel calls, that end in another order than they begin",
    tools: (journal, lang) => [
      noting(lang, journal, "get", async ({ id: given }) => {
        for (let turns = given === "1" ? 50 : 0; turns > 0; turns--) await Promise.resolve();
        if (given === "2") throw new Error("no");
        return given;
      }),
    ],
    turns: [
      {
        calls: ["1", "2", "3"].map((one) => ({
          id: `call-${one}`,
          name: "get",
          args: { id: one },
        })),
      },
    ],
    audit: [
      ...call("get", "ok", "call-1"),
      ...call("get", "error", "call-2"),
      ...call("get", "ok", "call-3"),
    ],
  },
  {
    name: "what a tool does with its config: child runs, custom events, the writer",
    tools: (journal, lang) => {
      const child = lang.runnables.RunnableLambda.from((input: string) => `${input}!`);
      const inner = noting(lang, journal, "inner", ({ id: given }) => given);
      return [
        inner,
        noting(lang, journal, "outer", async (input, config) => {
          config.writer?.({ half: "way" });
          await lang.dispatch.dispatchCustomEvent("progress", { percent: 50 }, config);
          const said = await child.invoke(input.id, config);
          journal.tell("outer's config", config.metadata, config.tags, config.toolCall);
          return said;
        }),
      ];
    },
    config: () => ({ metadata: { request: 1 }, tags: ["mine"], runName: "a run" }),
    turns: [callOf("outer", id), callOf("inner", id)],
    audit: [...call("outer"), ...call("inner")],
  },
  {
    name: "a tool whose result is the run's",
    tools: (journal, lang) => [
      noting(lang, journal, "final", ({ id: given }) => given, { returnDirect: true }),
    ],
    turns: [callOf("final", id)],
    audit: call("final"),
  },
  {
    name: "a command to the graph",
    tools: (journal, lang) => [
      noting(lang, journal, "command", () => {
        const fields = { content: "from the tool", tool_call_id: "call-command" };
        const message = new lang.messages.ToolMessage(fields);
        return new lang.graph.Command({ update: { messages: [message] } });
      }),
    ],
    turns: [callOf("command", id)],
    audit: call("command"),
    inGraphs: true,
  },
];
