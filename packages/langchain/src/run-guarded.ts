import { AgentKeyError, type Outcome } from "@agent-keys/core";
import { errorOutcome, type Guard } from "@agent-keys/core/wrap";
import type { ToolCallRuntime } from "./tool-types.ts";

/** One execution of a tool, as LangChain hands it over. */
export interface Execution<T> {
  /** The input, after LangChain's validation. */
  readonly input: unknown;
  readonly runtime: ToolCallRuntime;
  readonly body: () => T;
}

/** Runs one execution under a key of its own, in LangChain's terms. */
export function runGuarded<T>(guard: Guard<ToolCallRuntime>, execution: Execution<T>): T {
  const { input, runtime, body } = execution;
  let refused = true;
  try {
    return guard({
      input,
      call: runtime,
      callId: callIdOf(runtime),
      signal: runtime.signal,
      result: resultOutcome,
      error: thrownOutcome,
      body: () => {
        refused = false;
        return body();
      },
    });
  } catch (error) {
    if (refused) markFinal(error);
    throw error;
  }
}

function callIdOf({ toolCall, toolCallId }: ToolCallRuntime): string | undefined {
  const id = toolCall?.id ?? toolCallId;
  return typeof id === "string" && id !== "" ? id : undefined;
}

/** A tool may return its own ToolMessage, beside an artifact too. A Command is its own business. */
function resultOutcome(value: unknown): Outcome {
  const [content] = Array.isArray(value) && value.length === 2 ? (value as unknown[]) : [value];
  return isErrorMessage(content) ? "error" : "ok";
}

function isErrorMessage(value: unknown): boolean {
  return (
    isObject(value) &&
    "lc_direct_tool_output" in value &&
    value.lc_direct_tool_output === true &&
    "status" in value &&
    value.status === "error"
  );
}

/** What leaves a graph on purpose, as an interrupt does, says so of itself. */
function thrownOutcome(error: unknown): Outcome {
  const bubblesUp = isObject(error) && "is_bubble_up" in error && error.is_bubble_up === true;
  return bubblesUp ? "interrupted" : errorOutcome(error);
}

// LangChain's own mark, registered so that duplicate copies of its core agree.
const RETRYABLE = Symbol.for("langchain.errors.retryable");

/** A refusal that would only come again is marked, so that retry middleware leaves it alone. */
function markFinal(error: unknown): void {
  if (!(error instanceof AgentKeyError) || error.retryable) return;
  Object.defineProperty(error, RETRYABLE, { value: false, configurable: true });
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
