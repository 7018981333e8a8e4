import type { AgentKeys } from "@agent-keys/core";
import { wrapTools } from "@agent-keys/ai-sdk";
import {
  generateText,
  isStepCount,
  simulateReadableStream,
  streamText,
  ToolLoopAgent,
  type ToolSet,
} from "ai";
import { MockLanguageModelV4 } from "ai/test";
import * as z from "zod";
import type { Body, Input } from "./bodies.ts";
import type { Caller, scopesFor } from "./load.ts";
import { type Call, type Kind, kinds, type Run } from "./plan.ts";

const inputSchema = z.object({ call: z.string(), steps: z.number(), brief: z.boolean() });

interface Options {
  readonly toolCallId: string;
  readonly messages: [];
  readonly context: object;
  readonly abortSignal?: AbortSignal;
}

interface LoadTool {
  readonly inputSchema: typeof inputSchema;
  readonly execute: (input: Input, options: Options) => unknown;
}

export interface CallerOptions {
  readonly keys: AgentKeys;
  readonly bodies: Readonly<Record<Kind, Body>>;
  readonly scopes: ReturnType<typeof scopesFor>;
}

/** Calls tools by the AI SDK's loops, and directly as `execute`. */
export function aiSdkCaller({ keys, bodies, scopes }: CallerOptions): Caller {
  const bare = Object.fromEntries(
    kinds.map((kind) => [
      kind,
      {
        inputSchema,
        execute: (input: Input, { abortSignal }: Options) => bodies[kind](input, abortSignal),
      },
    ]),
  ) as unknown as Record<Kind, LoadTool>;
  const tools = wrapTools(bare, { keys, scopes });

  return async (run, signal) => {
    if (run.path === "ai.direct") {
      await Promise.all(run.calls.map((call) => direct(tools[call.kind], call, signal)));
      return;
    }
    const settings = {
      model: modelOf(run.calls),
      tools: tools as unknown as ToolSet,
      stopWhen: isStepCount(2),
      maxRetries: 0,
    };
    const prompt = { prompt: "go", ...(signal === undefined ? {} : { abortSignal: signal }) };
    try {
      if (run.path === "ai.generateText") await generateText({ ...settings, ...prompt });
      else if (run.path === "ai.agent") await new ToolLoopAgent(settings).generate(prompt);
      else await stream(run, { ...settings, ...prompt, onError: () => undefined });
    } catch (error) {
      if (signal?.aborted !== true) throw error;
    }
  };
}

async function stream(run: Run, options: Parameters<typeof streamText>[0]): Promise<void> {
  const { fullStream } = streamText(options);
  for await (const part of fullStream) {
    if (run.stop === "leave" && part.type === "tool-result") break;
  }
}

/** As code that has the tool in its hands calls it. Its own errors are what it is called for. */
async function direct(
  { execute }: LoadTool,
  { id, kind, steps, brief }: Call,
  signal: AbortSignal | undefined,
): Promise<void> {
  const abort = signal === undefined ? {} : { abortSignal: signal };
  const options: Options = { toolCallId: id, messages: [], context: {}, ...abort };
  try {
    const result = execute({ call: id, steps, brief }, options);
    if (kind === "abandoned") return;
    if (typeof result !== "object" || result === null || !(Symbol.asyncIterator in result)) {
      await result;
      return;
    }
    for await (const _ of result as AsyncIterable<unknown>) {
      if (kind === "returnsEarly") break;
    }
  } catch (error) {
    expectError(error, kind, signal);
  }
}

/** What was not to be thrown is. */
export function expectError(error: unknown, kind: Kind, signal: AbortSignal | undefined): void {
  if (["throws", "rejects", "streamThrows", "denied"].includes(kind)) return;
  if (signal?.aborted !== true) throw error;
}

const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };

/** A model that makes these calls at once, and then has done. */
function modelOf(calls: readonly Call[]): MockLanguageModelV4 {
  let turn = 0;
  const content = (): readonly object[] =>
    turn++ > 0
      ? []
      : calls.map(({ id, kind, steps, brief }) => ({
          type: "tool-call",
          toolCallId: id,
          toolName: kind,
          input: JSON.stringify({ call: id, steps, brief }),
        }));
  const finish = (parts: readonly object[]): object => ({
    unified: parts.length > 0 ? "tool-calls" : "stop",
    raw: undefined,
  });
  return new MockLanguageModelV4({
    doGenerate: async () => {
      const parts = content();
      const answer = { content: parts, finishReason: finish(parts), usage, warnings: [] };
      return await Promise.resolve(answer as never);
    },
    doStream: async () => {
      const parts = content();
      const end = { type: "finish", finishReason: finish(parts), usage };
      const chunks = [{ type: "stream-start", warnings: [] }, ...parts, end];
      const stream = simulateReadableStream({
        chunks,
        initialDelayInMs: null,
        chunkDelayInMs: null,
      });
      return await Promise.resolve({ stream } as never);
    },
  });
}
