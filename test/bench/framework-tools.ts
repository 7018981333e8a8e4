import type { AgentKeys } from "@agent-keys/core";
import { wrapTools as wrapAiTools } from "@agent-keys/ai-sdk";
import { wrapTools as wrapLangchainTools } from "@agent-keys/langchain";
import { tool } from "@langchain/core/tools";
import { generateText, isStepCount, type ToolExecutionOptions } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import * as z from "zod";
import { INPUT } from "./subject.ts";

const schema = z.object({ ticketId: z.string() });
type Input = z.infer<typeof schema>;
type Options = ToolExecutionOptions<unknown>;

/** What a tool's body does besides its own work. */
export interface Around {
  before(): void;
  after(): void;
}

const NOTHING: Around = { before: () => undefined, after: () => undefined };

/** One tool in three forms. */
interface Forms<T> {
  /** As a user writes it. */
  readonly bare: T;
  /** Under agent keys. */
  readonly wrapped: T;
  /** With what a key costs at least in its own body. */
  readonly least: T;
}

/** A tool of the AI SDK, as a user writes one. */
export interface AiTool {
  readonly inputSchema: typeof schema;
  readonly execute: (input: Input, options: Options) => Promise<string>;
}

export function aiTools(
  keys: AgentKeys,
  least: Around = NOTHING,
): Forms<AiTool> & { readonly options: (call: number) => Options } {
  const bare: AiTool = {
    inputSchema: schema,
    execute: async ({ ticketId }, { toolCallId }) =>
      await Promise.resolve(`${ticketId} is open, says ${toolCallId}`),
  };
  const scopes = { getTicket: "tickets:read" };
  const { getTicket: wrapped } = wrapAiTools({ getTicket: bare }, { keys, scopes });
  return {
    bare,
    wrapped,
    least: {
      inputSchema: schema,
      async execute(input, options) {
        least.before();
        const result = await bare.execute(input, options);
        least.after();
        return result;
      },
    },
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

interface Invocable {
  invoke(call: LangchainCall): Promise<unknown>;
}

export function langchainTools(
  keys: AgentKeys,
  least: Around = NOTHING,
): Forms<Invocable> & { readonly call: (call: number) => LangchainCall } {
  const fields = { name: "get_ticket", description: "Reads a ticket.", schema };
  const body = async ({ ticketId }: Input): Promise<string> =>
    await Promise.resolve(`${ticketId} is open`);
  const bare = tool(body, fields);
  const scopes = { get_ticket: "tickets:read" };
  const [wrapped = bare] = wrapLangchainTools([bare], { keys, scopes });
  return {
    bare,
    wrapped,
    least: tool(async (input) => {
      least.before();
      const result = await body(input);
      least.after();
      return result;
    }, fields),
    call: (id) => ({ type: "tool_call", id: `call-${id}`, name: "get_ticket", args: INPUT }),
  };
}
