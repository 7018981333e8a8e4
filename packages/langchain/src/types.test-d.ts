// Compiled by tsc, never run: what compiles and what must not.
import type { AgentKeys } from "@agent-keys/core";
import { RunnableLambda } from "@langchain/core/runnables";
import { DynamicTool, StructuredTool, tool, type ToolRuntime } from "@langchain/core/tools";
import { createReactAgent, ToolNode } from "@langchain/langgraph/prebuilt";
import { createAgent, fakeModel } from "langchain";
import * as z from "zod";
import { type InputOf, type ToolCallRuntime, wrapTool, wrapTools } from "./index.ts";
import { agentKeysMiddleware } from "./middleware.ts";

declare const keys: AgentKeys;

const getTicket = tool(({ id }) => id, {
  name: "get_ticket",
  schema: z.object({ id: z.string() }),
});
const reply = tool(({ id, words }) => `${id} ${words}`, {
  name: "reply",
  schema: z.object({ id: z.string(), words: z.number().transform(String) }),
});
const remote = tool(() => "", { name: "remote", schema: { type: "object", properties: {} } });
const echo = tool((text) => text, { name: "echo", schema: z.string() });
class Lookup extends StructuredTool {
  name = "lookup";
  description = "";
  schema = z.object({ key: z.bigint() });
  protected override async _call(): Promise<string> {
    return "";
  }
}

type IsAny<A> = 0 extends 1 & A ? true : false;
type Same<A, B> = [IsAny<A>, A, B] extends [IsAny<B>, B, A] ? true : false;
function is<A, B>(..._same: Same<A, B> extends true ? [] : [never]): void {}

// Each scope function sees its own tool's input, after its transforms.
const wrapped = wrapTools([getTicket, reply, remote], {
  keys,
  scopes: {
    get_ticket: (input, runtime) => {
      is<typeof input, { id: string }>();
      is<typeof runtime, ToolCallRuntime>();
      return { scope: "tickets:read", where: { id: input.id } };
    },
    reply: ({ id, words }) => {
      is<typeof words, string>();
      return { scope: "tickets:reply", where: { id }, uses: 1, expiresIn: "30s" };
    },
    remote: (input) => {
      is<typeof input, unknown>();
      return ["tickets:read", "tickets:list"];
    },
  },
  context: (input, runtime) => {
    is<typeof input, unknown>();
    is<typeof runtime, ToolCallRuntime>();
    return { user: runtime.toolCallId };
  },
  expiresIn: "30s",
  args: { owner: "repoOwner" },
});

// An array in, an array of the same type out, which agents take.
is<typeof wrapped, (typeof getTicket | typeof reply | typeof remote)[]>();
createAgent({ model: fakeModel(), tools: wrapped });
createReactAgent({ llm: fakeModel(), tools: wrapped });
void new ToolNode(wrapped);
const readonlyTools = [getTicket, reply] as const;
is<ReturnType<typeof readonlyWrapped>, (typeof getTicket | typeof reply)[]>();
function readonlyWrapped() {
  return wrapTools(readonlyTools, {
    keys,
    scopes: { get_ticket: ({ id }) => `tickets:${id}`, reply: "tickets:reply" },
  });
}

// An unknown name is a compile error where every name is a literal.
wrapTools([getTicket, reply], {
  keys,
  // @ts-expect-error get_tickets is no tool
  scopes: { get_tickets: "tickets:read", reply: "tickets:reply" },
});
wrapTools([getTicket, reply], {
  keys,
  // @ts-expect-error neither is gone
  scopes: { get_ticket: "tickets:read", reply: "tickets:reply", gone: () => "tickets:read" },
});

// A scope function cannot take what the tool does not give, nor return what is no scope.
wrapTools([getTicket], {
  keys,
  // @ts-expect-error the input has no owner
  scopes: { get_ticket: ({ owner }) => String(owner) },
});
wrapTools([getTicket], {
  keys,
  // @ts-expect-error the id is a string
  scopes: { get_ticket: ({ id }: { id: number }) => `tickets:${id}` },
});
wrapTools([getTicket], {
  keys,
  // @ts-expect-error a number is no scope
  scopes: { get_ticket: () => 7 },
});
wrapTools([getTicket], {
  keys,
  // @ts-expect-error a promise is no scope
  scopes: { get_ticket: async () => "tickets:read" },
});
wrapTools([getTicket], {
  keys,
  // @ts-expect-error true is no scope
  scopes: { get_ticket: true },
});

// Class tools say `string` of their name: the others keep their inputs, and any name may be given.
wrapTools([getTicket, new Lookup(), reply], {
  keys,
  scopes: {
    get_ticket: (input) => {
      is<typeof input, { id: string }>();
      return "tickets:read";
    },
    lookup: (input) => {
      is<typeof input, { key: bigint }>();
      return "tickets:read";
    },
    reply: "tickets:reply",
  },
});
wrapTools([getTicket, new Lookup(), echo], {
  keys,
  scopes: {
    get_ticket: ({ id }) => id,
    lookup: ({ key }: { key: bigint }) => `tickets:${key}`,
    echo: (text: string) => text,
  },
});
wrapTools([new Lookup()], {
  keys,
  // @ts-expect-error a class tool's scope is checked as well
  scopes: { lookup: () => 7 },
});

// Tools that a provider executes may stand in the array, with a name or without.
wrapTools(
  [getTicket, { type: "web_search", name: "web" as const, max_uses: 3 }, { type: "code" }],
  {
    keys,
    scopes: { get_ticket: ({ id }) => id, web: false },
  },
);

// The runtime is LangChain's own, and may be said more closely.
interface Context {
  readonly userId: string;
}
wrapTools([getTicket, reply], {
  keys,
  scopes: { get_ticket: "tickets:read", reply: ({ id }) => id },
  context: (_, runtime: ToolRuntime<{ messages: unknown[] }, { userId: string }>) => ({
    user: runtime.context.userId,
  }),
});
wrapTools([getTicket], {
  keys,
  scopes: {
    get_ticket: ({ id }, runtime: ToolCallRuntime<unknown, Context>) =>
      `${id}:${runtime.context?.userId}`,
  },
});
wrapTools([getTicket], {
  keys,
  scopes: { get_ticket: "tickets:read" },
  context: (_, runtime) => {
    // @ts-expect-error what is in the context is not known
    const user: string = runtime.context;
    return { user };
  },
});

// defaultScope, for tools that nothing is known of.
declare const mcpTools: StructuredTool[];
wrapTools(mcpTools, {
  keys,
  defaultScope: ({ name, annotations, input }) => {
    is<typeof input, unknown>();
    return annotations["readOnlyHint"] === true ? `mcp:${name}` : false;
  },
});

// wrapTool: one tool, of every kind.
is<typeof getTicket, ReturnType<typeof one>>();
function one() {
  return wrapTool(getTicket, { keys, scope: ({ id }) => id });
}
wrapTool(echo, { keys, scope: (text) => (is<typeof text, string>(), text) });
wrapTool(new DynamicTool({ name: "d", description: "", func: async (text) => text }), {
  keys,
  scope: (text) => (is<typeof text, string>(), text),
});
wrapTool(new Lookup(), { keys, scope: ({ key }) => (is<typeof key, bigint>(), "a:b") });
const lambda = RunnableLambda.from((input: { n: number }) => input.n);
wrapTool(lambda.asTool({ name: "n", schema: z.object({ n: z.number() }) }), {
  keys,
  scope: ({ n }) => (is<typeof n, number>(), "a:b"),
});
is<InputOf<typeof reply>, { id: string; words: string }>();
// @ts-expect-error a scope is needed
wrapTool(getTicket, { keys });
// @ts-expect-error scopes is for wrapTools
wrapTool(getTicket, { keys, scopes: { get_ticket: "a:b" } });
// @ts-expect-error keys are needed
wrapTools([getTicket], { scopes: { get_ticket: "tickets:read" } });
// @ts-expect-error wrapTools takes an array
wrapTools({ getTicket }, { keys, scopes: {} });

// The middleware is one of createAgent's, and leaves the types of the agent alone.
const middleware = agentKeysMiddleware({
  keys,
  scopes: { get_ticket: ({ id }: { id: string }) => id, reply: false },
  defaultScope: () => false,
  context: (_, runtime: ToolCallRuntime<unknown, Context>) => ({ user: runtime.context?.userId }),
});
const guarded = createAgent({ model: fakeModel(), tools: [getTicket], middleware: [middleware] });
const plain = createAgent({ model: fakeModel(), tools: [getTicket] });
is<
  Awaited<ReturnType<typeof guarded.invoke>>["messages"],
  Awaited<ReturnType<typeof plain.invoke>>["messages"]
>();
