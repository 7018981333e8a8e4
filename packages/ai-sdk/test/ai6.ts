import { generateText, simulateReadableStream, stepCountIs, streamText, ToolLoopAgent } from "ai6";
import { MockLanguageModelV3 } from "ai6/test";
import { type Major, major, recordingTracer } from "./major.ts";

const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };

/** The AI SDK 6, whose models are of specification 3. */
export const ai6: Major = major({
  name: "ai 6",
  generateText,
  streamText,
  Agent: ToolLoopAgent,
  stopWhen: stepCountIs(8),
  context: (value) => ({ experimental_context: value }),
  telemetry: (record) => ({ isEnabled: true, tracer: recordingTracer(record) }),
  model: (next) =>
    new MockLanguageModelV3({
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
