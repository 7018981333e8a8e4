import type { Outcome } from "@agent-keys/core";
import type { Guard } from "@agent-keys/core/wrap";
import { copyWith } from "./copy-with.ts";
import type { ExecuteOptions } from "./tool-types.ts";

type Execute = (...args: unknown[]) => unknown;

/** Binds a tool that calls other tools, such as code mode, to the ones it may call. */
interface LocalCaller {
  readonly bind: (...args: unknown[]) => unknown;
}

/** What of a tool runs here. */
interface Executable {
  readonly execute?: Execute;
  readonly caller?: LocalCaller;
}

/** Where a guarded function keeps what it stands before; registered, as bundlers duplicate modules. */
const UNGUARDED: unique symbol = Symbol.for("agent-keys.ai-sdk.unguarded.v1") as never;

/** `toolSearch()` of `ai` 7: the SDK gives it an `execute` of its own at each step. */
const TOOL_SEARCH = Symbol.for("vercel.ai.toolSearch");

/** What of the tool runs in this process under the SDK; `undefined` when nothing does. */
export function executableOf(tool: object): Executable | undefined {
  if (TOOL_SEARCH in tool) return undefined;
  const { execute, experimental_toolCaller: caller } = tool as Readonly<Record<string, unknown>>;
  const found = {
    ...(isFunction(execute) ? { execute } : {}),
    ...(isLocalCaller(caller) ? { caller } : {}),
  };
  return Object.keys(found).length === 0 ? undefined : found;
}

/** Whether everything of it that runs is behind a guard already. */
export function isGuarded({ execute, caller }: Executable): boolean {
  return [execute, caller?.bind].every((fn) => fn === undefined || UNGUARDED in fn);
}

/**
 * A copy of the tool that runs behind the guard. A guard that was there before is replaced, so that
 * one execution mints once.
 */
export function guardedTool<TOOL extends object>(tool: TOOL, guard: Guard<ExecuteOptions>): TOOL {
  const { execute, caller } = executableOf(tool) ?? {};
  return copyWith(tool, {
    ...(execute === undefined ? {} : { execute: guardedExecute(tool, execute, guard) }),
    ...(caller === undefined ? {} : { experimental_toolCaller: guardedCaller(caller, guard) }),
  });
}

function guardedExecute(tool: object, execute: Execute, guard: Guard<ExecuteOptions>): Execute {
  return before(tool, execute, (run) => (...args) => {
    const [input, options] = args as [unknown, ExecuteOptions];
    return guard({
      input,
      call: options,
      callId: callIdOf(options),
      signal: signalOf(options),
      result: outcomeOf,
      body: () => run(args),
    });
  });
}

/** The SDK executes what `bind` returns, so that is what runs behind the guard. */
function guardedCaller(caller: LocalCaller, guard: Guard<ExecuteOptions>): LocalCaller {
  const bind = before(caller, caller.bind, (run) => (...args) => {
    const bound = run(args);
    if (typeof bound !== "object" || bound === null) return bound;
    return executableOf(bound) === undefined ? bound : guardedTool(bound, guard);
  });
  return copyWith(caller, { bind });
}

type Run = (args: readonly unknown[]) => unknown;

/** Stands before a method, or before what an earlier guard stood before. */
function before(owner: object, method: Execute, stand: (run: Run) => Execute): Execute {
  const earlier = (method as { readonly [UNGUARDED]?: Run })[UNGUARDED];
  const run =
    earlier ?? ((args: readonly unknown[]): unknown => Reflect.apply(method, owner, args));
  return Object.defineProperty(stand(run), UNGUARDED, { value: run });
}

function callIdOf(options: unknown): string | undefined {
  const id = isObject(options) && "toolCallId" in options ? options.toolCallId : undefined;
  return typeof id === "string" && id !== "" ? id : undefined;
}

function signalOf(options: unknown): AbortSignal | undefined {
  const signal = isObject(options) && "abortSignal" in options ? options.abortSignal : undefined;
  const isSignal = isObject(signal) && "addEventListener" in signal;
  return isSignal ? (signal as AbortSignal) : undefined;
}

/** An MCP server's error is a result, with `isError`. */
function outcomeOf(value: unknown): Outcome {
  return isObject(value) && "isError" in value && value.isError === true ? "error" : "ok";
}

function isLocalCaller(value: unknown): value is LocalCaller {
  return isObject(value) && "bind" in value && isFunction(value.bind);
}

function isFunction(value: unknown): value is Execute {
  return typeof value === "function";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
