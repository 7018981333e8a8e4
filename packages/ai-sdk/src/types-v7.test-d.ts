import type { AgentKeys } from "@agent-keys/core";
import type { DefaultScopeCall } from "@agent-keys/core/wrap";
import type { MCPClient } from "@ai-sdk/mcp";
import { generateText, type LanguageModel, tool, type ToolSet } from "ai";
import * as z from "zod";
import type { Equal } from "../test/equal.ts";
import { wrapTool, wrapTools } from "./index.ts";

declare const keys: AgentKeys;
declare const model: LanguageModel;

const getTicket = tool({
  inputSchema: z.object({ ticketId: z.string(), copies: z.string().transform(Number) }),
  execute: async ({ ticketId }, { toolCallId }) => await Promise.resolve(ticketId + toolCallId),
});
const reply = tool({
  inputSchema: z.object({ text: z.string() }),
  contextSchema: z.object({ user: z.string() }),
  execute: ({ text }, { context }) => `${context.user}: ${text}`,
});
const stream = tool({
  inputSchema: z.object({ rows: z.number() }),
  async *execute({ rows }) {
    yield await Promise.resolve(rows);
  },
});
const askUser = tool({ inputSchema: z.object({ question: z.string() }), outputSchema: z.string() });
class Search {
  readonly inputSchema = z.object({ query: z.string() });
  execute({ query }: { query: string }): string {
    return query;
  }
}
const tools = { getTicket, reply, stream, askUser, search: new Search() };

// What comes back is of the type that went in, and the SDK takes it.
const wrapped = wrapTools(tools, {
  keys,
  scopes: {
    // Each function sees its own tool's input, as it is after validation.
    getTicket: ({ ticketId, copies }, call) => {
      const exact: Equal<[typeof ticketId, typeof copies], [string, number]> = true;
      return { scope: "tickets:read", where: { ticketId, exact, call: call.toolCallId } };
    },
    reply: ({ text }, call) => {
      const exact: Equal<typeof text, string> = true;
      return [{ scope: "tickets:reply", where: { text, exact }, uses: call.context.user.length }];
    },
    stream: ({ rows }) => ({ scope: "tickets:list", where: { rows: { max: rows } } }),
    search: (input) => {
      const exact: Equal<typeof input, { query: string }> = true;
      return exact && "tickets:search";
    },
  },
  // The tools' contexts differ, so what is common to them is what there is.
  context: (input, call) => {
    const exact: Equal<typeof input, unknown> = true;
    const { context } = call;
    return exact && typeof context === "object" && context !== null && "user" in context
      ? { user: String(context.user) }
      : {};
  },
  expiresIn: "30s",
  args: { ticketId: "id" },
});
const same: Equal<typeof wrapped, typeof tools> = true;
const toolsContext = { reply: { user: "u-1" } };
void generateText({ model, prompt: "go", tools: wrapped, toolsContext });
// @ts-expect-error a wrapped tool still says which context it needs
void generateText({ model, prompt: "go", tools: wrapped });

// Every form of a scope.
wrapTools(
  { getTicket, reply, stream },
  { keys, scopes: { getTicket: "a:b", reply: ["a:b", { scope: "c:d", uses: 1 }], stream: false } },
);

wrapTools(tools, {
  keys,
  scopes: {
    getTicket: "a:b",
    // @ts-expect-error there is no such tool
    getTickets: "a:b",
  },
});
wrapTools(tools, {
  keys,
  scopes: {
    // @ts-expect-error it is another tool that has a text
    getTicket: ({ text }) => ({ scope: "a:b", where: { text: String(text) } }),
    // @ts-expect-error a number is not a scope
    reply: 1,
    // @ts-expect-error a scope is decided at once: a synchronous mint keeps a result's kind
    stream: async () => await Promise.resolve("a:b"),
  },
});
// @ts-expect-error nobody mints
wrapTools(tools, { scopes: {} });
// @ts-expect-error there is no such option
wrapTools(tools, { keys, scope: "a:b" });
// @ts-expect-error tools come by name
wrapTools([getTicket], { keys });

// Tools whose names are not known when this is compiled.
export function wrapAny<TOOLS extends ToolSet>(some: TOOLS): TOOLS {
  return wrapTools(some, {
    keys,
    defaultScope: (call) => {
      const exact: Equal<typeof call, DefaultScopeCall> = true;
      return exact && call.annotations["readOnlyHint"] === true ? "mcp:read" : "mcp:write";
    },
  });
}

// A server's tools, whose execute may go without its second argument.
export async function wrapServer(client: MCPClient): Promise<string> {
  const served = wrapTools(await client.tools(), {
    keys,
    defaultScope: ({ name }) => `mcp:${name}`,
    context: (_input, call) => ({ txn: call.toolCallId }),
  });
  return (await generateText({ model, prompt: "go", tools: served })).text;
}

const one = wrapTool(getTicket, {
  keys,
  name: "getTicket",
  scope: ({ ticketId, copies }) => ({ scope: "a:b", where: { ticketId, copies } }),
});
const oneSame: Equal<typeof one, typeof getTicket> = true;
wrapTool(getTicket, {
  keys,
  name: "getTicket",
  // @ts-expect-error this tool has no text
  scope: ({ text }) => ({ scope: "a:b", where: { text: String(text) } }),
});
// @ts-expect-error a tool does not know its own name
wrapTool(getTicket, { keys, scope: "a:b" });
// @ts-expect-error it has to be said what the tool may do
wrapTool(getTicket, { keys, name: "getTicket" });

export const proofs: readonly true[] = [same, oneSame];
