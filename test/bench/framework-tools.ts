import type { AgentKeys } from "@agent-keys/core";
import { wrapTools as wrapAiTools } from "@agent-keys/ai-sdk";
import { wrapTools as wrapLangchainTools } from "@agent-keys/langchain";
import { tool } from "@langchain/core/tools";
import { generateText, isStepCount, type ToolExecutionOptions } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import * as z from "zod";
import { INPUT } from "./subject.ts";

const schema = z.object({ ticketId: z.string() });
type Options = ToolExecutionOptions<unknown>;
const execute = async (
  { ticketId }: z.infer<typeof schema>,
  { toolCallId }: Options,
): Promise<string> => await Promise.resolve(`${ticketId} is open, says ${toolCallId}`);

/** A tool of the AI SDK, as a user writes one. */
export interface AiTool {
  readonly inputSchema: typeof schema;
  readonly execute: typeof execute;
}

/** The same tool without and with a key. */
export function aiTool(keys: AgentKeys): {
  readonly bare: AiTool;
  readonly wrapped: AiTool;
  readonly options: (call: number) => Options;
} {
  const bare: AiTool = { inputSchema: schema, execute };
  const { getTicket: wrapped } = wrapAiTools(
    { getTicket: bare },
    { keys, scopes: { getTicket: "tickets:read" } },
  );
  return {
    bare,
    wrapped,
    options: (call) => ({ toolCallId: `call-${call}`, messages: [], context: {} }),
  };
}

/** One step of an agent loop, whose model asks for the tool at once. */
export async function generateTextWith(getTicket: AiTool): Promise<unknown> {
  return await generateText({
    model,
    tools: { getTicket },
    prompt: "Is t-1042 open?",
    stopWhen: isStepCount(1),
    maxRetries: 0,
  });
}

const model = new MockLanguageModelV4({
  doGenerate: async () =>
    await Promise.resolve({
      content: [
        {
          type: "tool-call",
          toolCallId: "call-1",
          toolName: "getTicket",
          input: JSON.stringify(INPUT),
        },
      ],
      finishReason: { unified: "tool-calls", raw: undefined },
      usage: {
        inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
        outputTokens: { total: 1, text: 1, reasoning: 0 },
      },
      warnings: [],
    }),
});

/** A tool call as LangChain's agents hand it to `invoke`. */
export interface LangchainCall {
  readonly type: "tool_call";
  readonly id: string;
  readonly name: string;
  readonly args: typeof INPUT;
}

/** The same tool without and with a key. */
export function langchainTool(keys: AgentKeys): {
  readonly bare: Invocable;
  readonly wrapped: Invocable;
  readonly call: (call: number) => LangchainCall;
} {
  const bare = tool(async ({ ticketId }) => await Promise.resolve(`${ticketId} is open`), {
    name: "get_ticket",
    description: "Reads a ticket.",
    schema,
  });
  const [wrapped = bare] = wrapLangchainTools([bare], {
    keys,
    scopes: { get_ticket: "tickets:read" },
  });
  const call = (id: number): LangchainCall => ({
    type: "tool_call",
    id: `call-${id}`,
    name: "get_ticket",
    args: INPUT,
  });
  return { bare, wrapped, call };
}

interface Invocable {
  invoke(call: LangchainCall): Promise<unknown>;
}
