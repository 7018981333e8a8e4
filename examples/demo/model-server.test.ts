import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { AIMessageChunk } from "@langchain/core/messages";
import { tool as langchainTool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { createAgent } from "langchain";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { type ModelServer, startModelServer } from "./model-server.ts";

const PROMPT = "How warm is it?";
const ANSWER = "In Oslo: -3 degrees. In Rome: 21 degrees.";
const DEGREES: Readonly<Record<string, string>> = { Oslo: "-3 degrees", Rome: "21 degrees" };

let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer({
    [PROMPT]: [
      { weather: { city: "Oslo" } },
      { weather: { city: "Rome" } },
      ([oslo, rome]) => `In Oslo: ${oslo}. In Rome: ${rome}.`,
    ],
    "Call what is missing": [{ missing: {} }],
  });
});
afterAll(() => server[Symbol.asyncDispose]());

const schema = z.object({ city: z.string() });
const execute = ({ city }: z.infer<typeof schema>) => DEGREES[city] ?? "unknown";

test("a LangChain agent runs its loop against it, in one piece and as a stream", async () => {
  const configuration = { baseURL: server.url };
  const model = new ChatOpenAI({ model: "scripted", apiKey: "x", configuration });
  const tools = [langchainTool(execute, { name: "weather", schema })];
  const agent = createAgent({ model, tools });
  const input = { messages: [{ role: "user" as const, content: PROMPT }] };
  expect((await agent.invoke(input)).messages.at(-1)?.text).toBe(ANSWER);

  const pieces: string[] = [];
  // Not `streaming: true`, which counts tokens with a table that it fetches from the internet.
  for await (const [piece] of await agent.stream(input, { streamMode: "messages" })) {
    if (AIMessageChunk.isInstance(piece) && piece.text !== "") pieces.push(piece.text);
  }
  expect(pieces.join("")).toBe(ANSWER);
  expect(pieces.length).toBeGreaterThan(3);
});

const aiModel = () => createOpenAICompatible({ name: "scripted", baseURL: server.url })("scripted");
const aiTools = { weather: tool({ inputSchema: schema, execute }) };
const stopWhen = stepCountIs(5);

test("the AI SDK runs its loop against it, in one piece and as a stream", async () => {
  const options = { model: aiModel(), tools: aiTools, stopWhen, prompt: PROMPT };
  expect((await generateText(options)).text).toBe(ANSWER);

  const pieces: string[] = [];
  for await (const piece of streamText(options).textStream) pieces.push(piece);
  expect(pieces.join("")).toBe(ANSWER);
  expect(pieces.length).toBeGreaterThan(3);
});

test("a conversation that no script knows, and a tool that was not offered, fail at once", async () => {
  const ask = (prompt: string) =>
    generateText({ model: aiModel(), tools: aiTools, prompt, maxRetries: 0 });
  await expect(ask("Sing.")).rejects.toThrow("the script does not go on from: Sing.");
  await expect(ask("Call what is missing")).rejects.toThrow("not offered: missing");
});
