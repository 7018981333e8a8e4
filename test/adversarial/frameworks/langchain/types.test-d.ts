// Compiled by tsc, never run: a wrapped tool has exactly the type of the bare one, of every kind and in
// every version. What scope functions see in the newest is in packages/langchain.
import type { AgentKeys } from "@agent-keys/core";
import { wrapTool, wrapTools } from "@agent-keys/langchain";
import { agentKeysMiddleware } from "@agent-keys/langchain/middleware";
import * as middlewareOldest from "@agent-keys/langchain-middleware-oldest";
import * as agentsOldest from "@agent-keys/langchain-oldest";
import * as z from "zod";
import { is } from "../same-type.ts";
import * as coreOldest from "./core-oldest.ts";
import * as newest from "./newest.ts";

declare const keys: AgentKeys;
const schema = z.object({ id: z.string(), copies: z.string().transform(Number) });
const json = { type: "object", properties: { id: { type: "string" } } } as const;
const scope = "tickets:read";
type Input = z.infer<typeof schema>;

{
  const { DynamicStructuredTool, DynamicTool, StructuredTool, Tool, tool } = newest.tools;
  class Lookup extends StructuredTool<typeof schema> {
    override name = "lookup";
    override description = "a class";
    override schema = schema;
    readonly own = 7;
    protected override async _call(input: Input): Promise<string> {
      return input.id;
    }
  }
  class Words extends Tool {
    override name = "words";
    override description = "a class that takes text";
    protected override async _call(input: string): Promise<string> {
      return input;
    }
  }
  const get = tool(({ id }) => id, { name: "get", schema });
  const pair = tool(({ id }) => [id, { raw: id }], {
    name: "pair",
    schema,
    responseFormat: "content_and_artifact",
  });
  const rows = tool(
    async function* ({ id }) {
      yield id;
      return 7;
    },
    { name: "rows", schema },
  );
  const byJson = tool((input) => input, { name: "byJson", schema: json });
  const text = tool((words: string) => words, { name: "text", schema: z.string() });
  const byClass = new DynamicStructuredTool({
    name: "byClass",
    description: "",
    schema,
    func: async ({ id }) => id,
  });
  const dynamic = new DynamicTool({
    name: "dynamic",
    description: "",
    func: async (words) => words,
  });
  const lookup = new Lookup();
  const words = new Words();
  const runnable = newest.runnables.RunnableLambda.from(({ id }: { id: string }) => id).asTool({
    name: "runnable",
    schema: z.object({ id: z.string() }),
  });
  const hosted = { type: "web_search", max_uses: 3 };

  // Each by itself.
  const one = {
    get: wrapTool(get, { keys, scope }),
    pair: wrapTool(pair, { keys, scope }),
    rows: wrapTool(rows, { keys, scope }),
    byJson: wrapTool(byJson, { keys, scope }),
    text: wrapTool(text, { keys, scope }),
    byClass: wrapTool(byClass, { keys, scope }),
    dynamic: wrapTool(dynamic, { keys, scope }),
    lookup: wrapTool(lookup, { keys, scope }),
    words: wrapTool(words, { keys, scope }),
    runnable: wrapTool(runnable, { keys, scope }),
  };
  is<
    typeof one,
    {
      get: typeof get;
      pair: typeof pair;
      rows: typeof rows;
      byJson: typeof byJson;
      text: typeof text;
      byClass: typeof byClass;
      dynamic: typeof dynamic;
      lookup: Lookup;
      words: Words;
      runnable: typeof runnable;
    }
  >();
  // What comes of a call is as it was.
  const results = {
    bare: pair.invoke({ id: "", copies: "" }),
    wrapped: one.pair.invoke({ id: "", copies: "" }),
  };
  is<typeof results.bare, typeof results.wrapped>();

  // All in an array, in which each is still what it was.
  const bare = [get, rows, byJson, text, byClass, dynamic, lookup, words, runnable, hosted];
  const wrapped = wrapTools(bare, { keys, defaultScope: () => scope });
  is<typeof wrapped, typeof bare>();

  // An agent says the same of its tools, its state and its answer.
  const settings = {
    model: new newest.openai.ChatOpenAI({ model: "any" }),
    responseFormat: z.object({ found: z.string() }),
  };
  const { createAgent } = newest.langchain;
  const agents = {
    bare: createAgent({ ...settings, tools: [get, pair] }),
    wrapped: createAgent({
      ...settings,
      tools: wrapTools([get, pair], { keys, scopes: { get: scope } }),
    }),
  };
  const answers = {
    bare: await agents.bare.invoke({ messages: [] }),
    wrapped: await agents.wrapped.invoke({ messages: [] }),
  };
  is<typeof answers.bare, typeof answers.wrapped>();
  const guarded = createAgent({
    ...settings,
    tools: [get, pair],
    middleware: [agentKeysMiddleware({ keys, defaultScope: () => scope })],
  });
  const answer = await guarded.invoke({ messages: [] });
  is<typeof answer.messages, typeof answers.bare.messages>();
  is<typeof answer.structuredResponse, { found: string }>();

  const react = {
    bare: newest.prebuilt.createReactAgent({ llm: settings.model, tools: [get, pair] }),
    wrapped: newest.prebuilt.createReactAgent({
      llm: settings.model,
      tools: wrapTools([get, pair], { keys, scopes: { get: scope } }),
    }),
  };
  is<typeof react.bare, typeof react.wrapped>();
}

{
  const { DynamicStructuredTool, DynamicTool, tool } = coreOldest.tools;
  const get = tool(({ id }) => id, { name: "get", schema });
  const byJson = tool((input) => input, { name: "byJson", schema: json });
  const dynamic = new DynamicTool({
    name: "dynamic",
    description: "",
    func: async (words) => words,
  });
  const byClass = new DynamicStructuredTool({
    name: "byClass",
    description: "",
    schema,
    func: async ({ id }) => id,
  });
  const bare = [get, byJson, dynamic, byClass];
  const wrapped = wrapTools(bare, { keys, defaultScope: () => scope });
  is<typeof wrapped, typeof bare>();
  const one = wrapTool(get, {
    keys,
    scope: ({ id, copies }) => (
      is<[typeof id, typeof copies], [string, number]>(),
      `tickets:${id}`
    ),
  });
  is<typeof one, typeof get>();
}

{
  const { langchain, openai, prebuilt, tools } = agentsOldest;
  const get = tools.tool(({ id }) => id, { name: "get", schema });
  const wrapped = wrapTools([get], { keys, scopes: { get: scope } });
  is<typeof wrapped, (typeof get)[]>();
  const model = new openai.ChatOpenAI({ model: "any" });
  const bareAgent = langchain.createAgent({ model, tools: [get] });
  const agent = langchain.createAgent({ model, tools: wrapped });
  const answers = {
    bare: await bareAgent.invoke({ messages: [] }),
    wrapped: await agent.invoke({ messages: [] }),
  };
  is<typeof answers.bare, typeof answers.wrapped>();
  const bareReact = prebuilt.createReactAgent({ llm: model, tools: [get] });
  const react = prebuilt.createReactAgent({ llm: model, tools: wrapped });
  is<typeof bareReact, typeof react>();
}

{
  const { langchain, openai, tools } = middlewareOldest;
  const get = tools.tool(({ id }) => id, { name: "get", schema });
  const wrapped = wrapTools([get], { keys, scopes: { get: scope } });
  is<typeof wrapped, (typeof get)[]>();
  const model = new openai.ChatOpenAI({ model: "any" });
  const bareAgent = langchain.createAgent({ model, tools: [get] });
  const agent = langchain.createAgent({ model, tools: wrapped });
  const answers = {
    bare: await bareAgent.invoke({ messages: [] }),
    wrapped: await agent.invoke({ messages: [] }),
  };
  is<typeof answers.bare, typeof answers.wrapped>();
}
