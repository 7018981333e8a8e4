import type { Sdk, Settings } from "./sdks.ts";

/** Every callback of a loop, in all versions. */
const CALLBACKS = [
  "onStart",
  "experimental_onStart",
  "onStepStart",
  "experimental_onStepStart",
  "onStepEnd",
  "onStepFinish",
  "onFinish",
  "onEnd",
  "onChunk",
  "onError",
  "onAbort",
  "onLanguageModelCallStart",
  "onLanguageModelCallEnd",
  "experimental_onToolCallStart",
  "experimental_onToolCallFinish",
  "onToolExecutionStart",
  "onToolExecutionEnd",
];

/** What was told, by whom, in order. */
type Heard = (readonly unknown[])[];

/** Settings with which a loop tells everything it can tell, and what it told, in order. */
export function listening(sdk: Sdk): { readonly heard: Heard; readonly settings: Settings } {
  const heard: Heard = [];
  const hear = (name: string) => (event: unknown) => void heard.push([name, event]);
  const settings = {
    ...Object.fromEntries(CALLBACKS.map((name) => [name, hear(name)])),
    prepareStep: (step: object) => {
      heard.push(["prepareStep", { ...step, model: undefined }]);
      return {};
    },
    experimental_telemetry: {
      isEnabled: true,
      functionId: "compared",
      ...(sdk.major === 7 ? { integrations: integration(heard) } : { tracer: tracer(heard) }),
    },
  };
  return { heard, settings };
}

/** `ai` 7 tells integrations what it told a tracer before; any name is asked for. */
function integration(heard: Heard): object {
  const executeTool = ({ execute, ...event }: { readonly execute: () => unknown }): unknown => {
    heard.push(["telemetry.executeTool", event]);
    return execute();
  };
  const told = [...CALLBACKS, "onStepError", "onToolCallStart", "onToolCallEnd"];
  return {
    ...Object.fromEntries(
      told.map((name) => [name, (event: unknown) => void heard.push([`telemetry.${name}`, event])]),
    ),
    executeTool,
  };
}

/** An OpenTelemetry tracer that writes down every span and what is done with it. */
function tracer(heard: Heard): object {
  const span = (number: number): object => {
    const note =
      (name: string) =>
      (...args: readonly unknown[]): void =>
        void heard.push([`span ${number}`, name, ...args]);
    return {
      spanContext: () => ({ traceId: "trace", spanId: String(number), traceFlags: 1 }),
      isRecording: () => true,
      ...Object.fromEntries(METHODS.map((name) => [name, note(name)])),
    };
  };
  let count = 0;
  return {
    startSpan: (...args: unknown[]) => {
      heard.push([`span ${++count}`, ...args]);
      return span(count);
    },
    startActiveSpan: (name: string, ...rest: unknown[]) => {
      heard.push([`span ${++count}`, name, ...rest.slice(0, -1)]);
      return (rest.at(-1) as (active: object) => unknown)(span(count));
    },
  };
}

const METHODS = [
  "setAttribute",
  "setAttributes",
  "addEvent",
  "setStatus",
  "updateName",
  "recordException",
  "addLink",
  "end",
];
