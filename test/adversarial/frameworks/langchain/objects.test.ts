/** What else looks at tools, without running them. */
import { wrapTools } from "@agent-keys/langchain";
import { testKeys } from "@agent-keys/core/testing";
import { describe, expect, test } from "vitest";
import { compareRuns, type Journal, type Wrap } from "../compare.ts";
import { type Input, noting, schema } from "./cases.ts";
import { type LangChain, versions } from "./versions.ts";

const MARK: unique symbol = Symbol.for("a mark");

function toolsOf(journal: Journal, lang: LangChain): readonly object[] {
  const { DynamicTool, StructuredTool } = lang.tools;
  class Lookup extends StructuredTool {
    static override lc_name(): string {
      return "Lookup";
    }
    readonly #description = "a class";
    override name = "lookup";
    override schema = schema;
    readonly [MARK] = "kept";
    override get description(): string {
      return this.#description;
    }
    override set description(_: string) {
      // The base class sets it.
    }
    protected override async _call(input: Input): Promise<string> {
      journal.note("lookup", input);
      return this.#description;
    }
  }
  const json = { type: "object", properties: { id: { type: "string" } }, required: ["id"] };
  const text = { name: "text", description: "takes text", func: async (given: string) => given };
  const runnable = lang.runnables.RunnableLambda.from((input: Input) => input.id);
  return [
    noting(lang, journal, "get", (input) => input.id, {
      responseFormat: "content_and_artifact",
      metadata: { team: "a" },
      tags: ["t"],
      extras: { cache: true },
      returnDirect: true,
    }),
    noting(lang, journal, "json", (input) => input.id, { schema: json }),
    new DynamicTool({ ...text, metadata: { annotations: { readOnlyHint: true } } }),
    new Lookup(),
    runnable.asTool({ name: "runnable", description: "a runnable", schema }),
    { type: "web_search", name: "hosted", max_uses: 3 },
  ];
}

type Ask = (tool: object, lang: LangChain) => unknown;

/** Each is asked of each tool, where a version has it. */
const asked: Readonly<Record<string, Ask>> = {
  members: (tool) => Object.keys(tool),
  symbols: (tool) => Object.getOwnPropertySymbols(tool),
  json: (tool) => JSON.stringify(tool),
  spread: (tool) => ({ ...tool }),
  itself: (tool) => tool,
  class: (tool) => [tool.constructor.name, Object.prototype.toString.call(tool)],
  name: (tool) => (tool as { getName?: () => unknown }).getName?.(),
  graph: (tool) =>
    (tool as { getGraph?: () => { toJSON(): unknown } }).getGraph?.().toJSON() ?? "none",
  "instance of": (tool, { tools, runnables }) => [
    tool instanceof tools.Tool,
    tool instanceof tools.StructuredTool,
    tool instanceof tools.DynamicTool,
    tool instanceof tools.DynamicStructuredTool,
    tool instanceof runnables.RunnableBinding,
    runnables.Runnable.isRunnable(tool),
  ],
  "is it": (tool, { functionCalling: is }) => [
    is.isLangChainTool(tool),
    is.isStructuredTool(tool as never),
    is.isStructuredToolParams(tool),
    is.isRunnableToolLike(tool),
  ],
  "for OpenAI": (tool, { functionCalling: convert }) =>
    convert.isLangChainTool(tool) && [
      convert.convertToOpenAITool(tool as never),
      convert.convertToOpenAITool(tool as never, { strict: true }),
      convert.convertToOpenAIFunction(tool as never),
    ],
  "bound to a model": (tool, { openai }) =>
    new openai.ChatOpenAI({ model: "scripted", apiKey: "none" })
      .bindTools([tool as never], { tool_choice: "auto" })
      .toJSON(),
};

describe.each(versions)("$name", (lang) => {
  const known = Object.entries(asked).filter(
    ([name]) => "openai" in lang || !name.endsWith("model"),
  );
  test.each(known)("%s", async (_, ask) => {
    const run = async (journal: Journal, wrap: Wrap) => {
      const bare = toolsOf(journal, lang);
      const tools = wrap(bare, (keys, scope) =>
        wrapTools(bare, { keys, defaultScope: () => scope }),
      );
      const seen = tools.map((tool) => ask(tool, lang));
      return await Promise.resolve({ wire: [], seen });
    };
    expect(await compareRuns(run)).toEqual([]);
  });

  test("what was wrapped is a tool of its own: the one that was given is as it was", () => {
    const journal = { note: () => undefined } as unknown as Journal;
    const bare = toolsOf(journal, lang);
    const before = bare.map((tool) => Object.getOwnPropertyDescriptors(tool));
    wrapTools(bare, { keys: testKeys(), defaultScope: () => "tickets:read" });
    expect(bare.map((tool) => Object.getOwnPropertyDescriptors(tool))).toStrictEqual(before);
  });
});
