import {
  Experimental_Agent,
  generateText,
  simulateReadableStream,
  stepCountIs,
  streamText,
} from "ai5";
import { MockLanguageModelV2 } from "ai5/test";
import { type Major, major, recordingTracer } from "./major.ts";

const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 };

/** The AI SDK 5, whose models are of specification 2. */
export const ai5: Major = major({
  name: "ai 5",
  generateText,
  streamText,
  Agent: Experimental_Agent,
  stopWhen: stepCountIs(8),
  context: (value) => ({ experimental_context: value }),
  telemetry: (record) => ({ isEnabled: true, tracer: recordingTracer(record) }),
  model: (next) =>
    new MockLanguageModelV2({
      doGenerate: async () => {
        const { content, finish } = next();
        return await Promise.resolve({
          content,
          finishReason: finish,
          usage,
          warnings: [],
        } as never);
      },
      doStream: async () => {
        const { parts, finish } = next();
        const chunks = [...parts, { type: "finish", finishReason: finish, usage }];
        return await Promise.resolve({ stream: simulateReadableStream({ chunks }) } as never);
      },
    }),
});
