import { generateText, isStepCount, simulateReadableStream, streamText, ToolLoopAgent } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { type Major, major } from "./major.ts";

const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };

const TOLD = [
  "onStart",
  "onStepStart",
  "onLanguageModelCallStart",
  "onLanguageModelCallEnd",
  "onToolExecutionStart",
  "onToolExecutionEnd",
  "onStepEnd",
  "onEnd",
  "onError",
];

/** The AI SDK 7, whose models are of specification 4. */
export const ai7: Major = major({
  name: "ai 7",
  generateText,
  streamText,
  Agent: ToolLoopAgent,
  stopWhen: isStepCount(8),
  context: (value, names) => ({
    toolsContext: Object.fromEntries(names.map((name) => [name, value])),
  }),
  telemetry: (record) => ({
    isEnabled: true,
    integrations: {
      ...Object.fromEntries(
        TOLD.map((name) => [name, (event: unknown) => record({ [name]: event })]),
      ),
      executeTool: ({ execute, ...event }: { execute: () => unknown }) => (
        record({ executeTool: event }),
        execute()
      ),
    },
  }),
  model: (next) =>
    new MockLanguageModelV4({
      doGenerate: async () => {
        const { content, finish } = next();
        const finishReason = { unified: finish, raw: undefined };
        return await Promise.resolve({ content, finishReason, usage, warnings: [] } as never);
      },
      doStream: async () => {
        const { parts, finish } = next();
        const finishReason = { unified: finish, raw: undefined };
        const chunks = [...parts, { type: "finish", finishReason, usage }];
        return await Promise.resolve({ stream: simulateReadableStream({ chunks }) } as never);
      },
    }),
});
