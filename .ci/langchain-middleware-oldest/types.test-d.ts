// Compiled by tsc, never run: what compiles with the oldest LangChain that the middleware supports.
import type { AgentKeys } from "@agent-keys/core";
import { agentKeysMiddleware } from "@agent-keys/langchain/middleware";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import { createAgent, toolRetryMiddleware } from "langchain";
import * as z from "zod";

declare const keys: AgentKeys;

const get = tool(({ id }) => id, { name: "get", schema: z.object({ id: z.string() }) });
createAgent({
  model: new ChatOpenAI({ model: "any" }),
  tools: [get],
  middleware: [
    toolRetryMiddleware(),
    agentKeysMiddleware({ keys, scopes: { get: "tickets:read" } }),
  ],
});
