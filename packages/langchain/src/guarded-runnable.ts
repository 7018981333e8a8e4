import type { Guard } from "@agent-keys/core/wrap";
import { copyWith, prototypes } from "./copy-with.ts";
import { type Method, ownerOf, standBefore } from "./stand-before.ts";
import { runGuarded } from "./run-guarded.ts";
import type { ToolCallRuntime } from "./tool-types.ts";

/** Anything that LangChain runs by `invoke` alone, such as what `runnable.asTool()` makes. */
export interface Runnable {
  readonly invoke: Method;
  readonly batch?: Method;
  readonly stream?: Method;
  readonly streamEvents?: Method;
}

/** `RunnableToolLike`: it parses the input in a first step and runs the body in the last. */
interface ToolLike extends Runnable {
  readonly bound: { readonly bound: { readonly last: Runnable } };
}

export function isRunnableTool(tool: object): tool is Runnable {
  return "invoke" in tool && typeof tool.invoke === "function";
}

/** Whether its `invoke` stands before another already. */
export function isGuardedRunnable(tool: object): boolean {
  return isRunnableTool(tool) && ownerOf(tool.invoke) !== undefined;
}

/** A copy of a runnable that runs behind the guard. */
export function guardedRunnable<TOOL extends object>(
  tool: TOOL,
  guard: Guard<ToolCallRuntime>,
): TOOL {
  if (isToolLike(tool)) return guardedToolLike(tool, guard);
  return isRunnableTool(tool) ? guardedInvoke(tool, guard) : tool;
}

/** The guard stands before the last step alone, so that invalid input mints nothing. */
function guardedToolLike<TOOL extends ToolLike>(tool: TOOL, guard: Guard<ToolCallRuntime>): TOOL {
  const original = (ownerOf(tool.invoke) ?? tool) as Runnable;
  const { bound } = tool;
  const last = guardedInvoke(bound.bound.last, guard);
  // The first step drops the tool call, and with it the id.
  const telling = (method: Method, runtime: (input: unknown, config: unknown) => unknown): Method =>
    standBefore(original, (input, config, ...rest) =>
      Reflect.apply(method, copy, [input, runtime(input, config), ...rest]),
    );
  const { batch, stream, streamEvents } = original;
  const copy: TOOL = copyWith(tool, {
    bound: copyWith(bound, { bound: copyWith(bound.bound, { last }) }),
    invoke: telling(original.invoke, runtimeOf),
    ...(batch && { batch: telling(batch, runtimesOf) }),
    ...(stream && { stream: telling(stream, runtimeOf) }),
    ...(streamEvents && { streamEvents: telling(streamEvents, runtimeOf) }),
  });
  return copy;
}

/** A copy of which every way in is `invoke`, and that runs behind the guard. */
export function guardedInvoke<RUNNABLE extends Runnable>(
  runnable: RUNNABLE,
  guard: Guard<ToolCallRuntime>,
): RUNNABLE {
  const original = (ownerOf(runnable.invoke) ?? runnable) as Runnable;
  const invoke = standBefore(original, (given, config, ...rest) => {
    const input = isToolCall(given) ? given.args : given;
    const body = (): unknown => Reflect.apply(original.invoke, original, [given, config, ...rest]);
    return runGuarded(guard, { input, runtime: runtimeOf(given, config), body });
  });
  return copyWith(runnable, { ...byWayOfInvoke(runnable), invoke });
}

/**
 * The base class's methods in place of faster ones of a subclass: `batch`, `stream` and the like then
 * run `invoke`, and nothing passes the guard by. A stream is one chunk.
 */
function byWayOfInvoke(runnable: object): Readonly<Record<string, unknown>> {
  const base = prototypes(runnable).findLast((prototype) => Object.hasOwn(prototype, "batch"));
  if (base === undefined) return {};
  return Object.fromEntries(
    Object.getOwnPropertyNames(base)
      .filter((name) => name !== "constructor" && name !== "getName")
      .map((name) => [name, Reflect.getOwnPropertyDescriptor(base, name)?.value as unknown])
      .filter(([, method]) => typeof method === "function"),
  ) as Record<string, unknown>;
}

/** The config with the tool call, as LangChain's own tools see it. */
function runtimeOf(input: unknown, config: unknown): ToolCallRuntime {
  const runtime = (config ?? {}) as ToolCallRuntime;
  return isToolCall(input) ? { ...runtime, toolCall: input } : runtime;
}

/** The same for each input of a batch, which takes one config for all or one for each. */
function runtimesOf(inputs: unknown, config: unknown): unknown {
  if (!Array.isArray(inputs) || !inputs.some(isToolCall)) return config;
  return inputs.map((input, at) =>
    runtimeOf(input, Array.isArray(config) ? (config as unknown[])[at] : config),
  );
}

interface ToolCall {
  readonly type: "tool_call";
  readonly id?: string;
  readonly name: string;
  readonly args: object;
}

function isToolCall(input: unknown): input is ToolCall {
  return isObject(input) && "type" in input && input.type === "tool_call";
}

function isToolLike(tool: object): tool is ToolLike {
  if (nameOfClass(tool) !== "RunnableToolLike" || !isRunnableTool(tool)) return false;
  const { bound } = tool as { readonly bound?: unknown };
  const sequence = isObject(bound) && "bound" in bound ? bound.bound : undefined;
  if (!isObject(sequence) || !("middle" in sequence) || !("last" in sequence)) return false;
  const { middle, last } = sequence;
  return Array.isArray(middle) && middle.length === 0 && isObject(last) && isRunnableTool(last);
}

/** The name that LangChain's classes keep when they are minified. */
export function nameOfClass(tool: object): string | undefined {
  const lcName = (tool.constructor as { readonly lc_name?: unknown } | undefined)?.lc_name;
  const name: unknown = typeof lcName === "function" ? lcName.call(tool.constructor) : undefined;
  return typeof name === "string" ? name : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
