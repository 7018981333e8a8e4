import type { LangChain } from "./versions.ts";

/** Every event of LangChain's callbacks, in all versions. */
const EVENTS = [
  "handleLLMStart",
  "handleChatModelStart",
  "handleLLMNewToken",
  "handleLLMError",
  "handleLLMEnd",
  "handleChainStart",
  "handleChainError",
  "handleChainEnd",
  "handleToolStart",
  "handleToolError",
  "handleToolEnd",
  "handleToolEvent",
  "handleText",
  "handleRetrieverStart",
  "handleRetrieverEnd",
  "handleCustomEvent",
];

/** Callbacks that write down each event in order, and the whole trace of each run at its end. */
export function listening({ callbacks, tracers }: LangChain): {
  readonly heard: (readonly unknown[])[];
  readonly handlers: InstanceType<LangChain["callbacks"]["BaseCallbackHandler"]>[];
} {
  const heard: (readonly unknown[])[] = [];
  const handler = callbacks.BaseCallbackHandler.fromMethods(
    Object.fromEntries(
      EVENTS.map((name) => [name, (...facts: unknown[]) => void heard.push([name, ...facts])]),
    ),
  );
  class Tracer extends tracers.BaseTracer {
    readonly name = "recorder";
    protected override async persistRun(run: object): Promise<void> {
      heard.push(["trace", run]);
    }
  }
  const tracer = new Tracer();
  // Otherwise they are told in the background, some time later.
  handler.awaitHandlers = true;
  tracer.awaitHandlers = true;
  return { heard, handlers: [handler, tracer] };
}
