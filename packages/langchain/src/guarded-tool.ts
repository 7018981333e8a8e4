import type { Guard } from "@agent-keys/core/wrap";
import { copyWith, forwardAccessors } from "./copy-with.ts";
import { langChainsOwn, requireOwnEntries, textCall } from "./own-entries.ts";
import { guardedRunnable, isGuardedRunnable, isRunnableTool } from "./guarded-runnable.ts";
import { type Method, ownerOf, standBefore } from "./stand-before.ts";
import { runGuarded } from "./run-guarded.ts";
import type { ToolCallRuntime } from "./tool-types.ts";

/** Whether the tool's body runs in this process. Plain objects are for the provider to execute. */
export function isExecutable(tool: object): boolean {
  return !isHeadless(tool) && (isStructured(tool) || isRunnableTool(tool));
}

/** Whether it runs behind a guard already. */
export function isGuarded(tool: object): boolean {
  return isStructured(tool) ? ownerOf(tool._call) !== undefined : isGuardedRunnable(tool);
}

/**
 * A copy of the tool that runs behind the guard. A guard that was there before is replaced, so that
 * one execution mints once.
 *
 * @throws TypeError naming a tool whose body could run by another way than the guarded one.
 */
export function guardedTool<TOOL extends object>(tool: TOOL, guard: Guard<ToolCallRuntime>): TOOL {
  return isStructured(tool) ? guardedStructured(tool, guard) : guardedRunnable(tool, guard);
}

interface Structured {
  readonly _call: Method;
  readonly func?: Method;
}

/**
 * LangChain validates, traces and formats in `invoke` and `call`, and runs the body by `_call`. `func`
 * is the body of tools that `tool()` makes, for those who call it themselves.
 */
function guardedStructured<TOOL extends Structured>(
  tool: TOOL,
  guard: Guard<ToolCallRuntime>,
): TOOL {
  const original = (ownerOf(tool._call) ?? tool) as Structured;
  const base = langChainsOwn(original);
  requireOwnEntries(tool, base);
  const guarded = (method: "_call" | "func"): Method =>
    standBefore(original, (...args) => {
      const [input, , config] = args as [unknown, unknown, ToolCallRuntime | undefined];
      const body = (): unknown => Reflect.apply(original[method] as Method, original, args);
      return runGuarded(guard, { input, runtime: config ?? {}, body });
    });
  const copy = copyWith(tool, {
    _call: guarded("_call"),
    ...(typeof tool.func === "function" ? { func: guarded("func") } : {}),
    ...textCall(original, base),
  });
  return forwardAccessors(copy, original);
}

function isStructured(tool: object): tool is Structured {
  return "_call" in tool && typeof tool._call === "function";
}

/** A headless tool only interrupts; the client does the work. */
function isHeadless(tool: object): boolean {
  const { metadata } = tool as { readonly metadata?: unknown };
  return (
    typeof metadata === "object" &&
    metadata !== null &&
    "headlessTool" in metadata &&
    metadata.headlessTool === true
  );
}
