import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { wrapTools as wrapAiSdk } from "@agent-keys/ai-sdk";
import type { AgentKeys, Grant } from "@agent-keys/core";
import { wrapTools as wrapLangChain } from "@agent-keys/langchain";
import { tool as langChainTool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import { generateText, isStepCount, tool as aiTool } from "ai";
import { createAgent, toolRetryMiddleware } from "langchain";
import * as z from "zod";
import { callOf, startModel } from "../adversarial/frameworks/model-server.ts";

/** An agent whose model calls one tool, `post`, with these texts, one after the other. */
export type ScriptedAgent = (
  keys: AgentKeys,
  grant: Grant,
  post: (text: string) => Promise<string>,
  texts: readonly string[],
) => Promise<void>;

const inputSchema = z.object({ text: z.string() });
const turnsOf = (texts: readonly string[]) =>
  texts.map((text, index) => callOf("post", { text }, `call-${index}`));

const aiSdk: ScriptedAgent = async (keys, grant, post, texts) => {
  await using model = await startModel(turnsOf(texts));
  const provider = createOpenAICompatible({ name: "scripted", baseURL: model.url });
  const bare = { post: aiTool({ inputSchema, execute: ({ text }) => post(text) }) };
  const tools = wrapAiSdk(bare, { keys, scopes: { post: grant } });
  await generateText({
    model: provider.chatModel("scripted"),
    tools,
    prompt: "go",
    stopWhen: isStepCount(texts.length + 1),
  });
};

const langChain =
  (retries: number): ScriptedAgent =>
  async (keys, grant, post, texts) => {
    await using server = await startModel(turnsOf(texts));
    const model = new ChatOpenAI({
      model: "scripted",
      apiKey: "none",
      maxRetries: 0,
      configuration: { baseURL: server.url },
    });
    const bare = langChainTool(({ text }: { text: string }) => post(text), {
      name: "post",
      description: "posts",
      schema: inputSchema,
    });
    const tools = wrapLangChain([bare], { keys, scopes: { post: grant } });
    const retry = toolRetryMiddleware({
      maxRetries: retries,
      initialDelayMs: 1,
      jitter: false,
      onFailure: "continue",
    });
    // Its types and exactOptionalPropertyTypes do not agree.
    const settings: object = { middleware: [retry] };
    const agent = createAgent({ model, tools, ...settings });
    await agent.invoke({ messages: [{ role: "user", content: "go" }] });
  };

/** By name: the frameworks as their users run them, and one that runs a failed tool again by itself. */
export const scriptedAgents: readonly (readonly [name: string, agent: ScriptedAgent])[] = [
  ["AI SDK", aiSdk],
  ["LangChain", langChain(0)],
  ["LangChain with toolRetryMiddleware", langChain(2)],
];
