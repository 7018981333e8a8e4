// Compiled by tsc, never run: what compiles with the oldest LangChain.
import type { AgentKeys } from "@agent-keys/core";
import { wrapTool, wrapTools } from "@agent-keys/langchain";
import { RunnableLambda } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import { createReactAgent, ToolNode } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { createAgent } from "langchain";
import * as z from "zod";

declare const keys: AgentKeys;

type IsAny<A> = 0 extends 1 & A ? true : false;
type Same<A, B> = [IsAny<A>, A, B] extends [IsAny<B>, B, A] ? true : false;
function is<A, B>(..._same: Same<A, B> extends true ? [] : [never]): void {}

const schema = z.object({ id: z.string(), copies: z.string().transform(Number) });
const get = tool(({ id }) => id, { name: "get", schema });
const list = tool(() => "", { name: "list", schema: z.object({ page: z.number() }) });

// Its tools' names are any text, so functions by name cannot know their input.
const wrapped = wrapTools([get, list], {
  keys,
  scopes: { get: "tickets:read", list: () => "tickets:list" },
  context: (_, runtime) => ({ user: runtime.toolCallId }),
});
is<typeof wrapped, (typeof get | typeof list)[]>();

const one = wrapTool(get, {
  keys,
  scope: ({ id, copies }) => {
    is<[typeof id, typeof copies], [string, number]>();
    return { scope: "tickets:read", where: { id } };
  },
});
is<typeof one, typeof get>();

const model = new ChatOpenAI({ model: "any" });
createAgent({ model, tools: wrapped });
createReactAgent({ llm: model, tools: wrapped });
void new ToolNode(wrapped);

const runnable = RunnableLambda.from(({ id }: { id: string }) => id);
const asTool = runnable.asTool({ name: "run", schema: z.object({ id: z.string() }) });
is<ReturnType<typeof wrapRunnable>, typeof asTool>();
function wrapRunnable() {
  return wrapTool(asTool, { keys, scope: ({ id }) => `tickets:${id}` });
}

// @ts-expect-error a tool has a scope
wrapTool(get, { keys });
