/**
 * Agent keys as a middleware of `createAgent`, for tools that are not known when the agent is built.
 *
 * @module
 */
import type { RunnableConfig } from "@langchain/core/runnables";
import type { AgentMiddleware } from "langchain";
import { AgentKeyError } from "@agent-keys/core";
import {
  checkToolsOptions,
  type GuardedTool,
  guardTools,
  ownArguments,
  type SharedWrapOptions,
} from "@agent-keys/core/wrap";
import { guardedInvoke, isRunnableTool } from "./guarded-runnable.ts";
import { guardedTool, isExecutable } from "./guarded-tool.ts";
import type { WrapOptions } from "./options.ts";
import { described, nameOfTool, parametersOf, ruleFor } from "./scope-rule.ts";
import type { ToolCallRuntime } from "./tool-types.ts";

/** A tool that nothing is known of. */
interface AnyTool {
  readonly name: string;
}

/** The options of {@link agentKeysMiddleware}: those of `wrapTools`, by names that are not checked. */
export type AgentKeysMiddlewareOptions<RUNTIME extends RunnableConfig = ToolCallRuntime> =
  WrapOptions<AnyTool, RUNTIME>;

/**
 * A middleware that runs every tool call of an agent under a key of its own, one mint per attempt,
 * whichever tool it is when the call is made. Prefer `wrapTools`: it finds wrong names and scopes when the
 * agent is built, and it leaves error handling alone, whereas any middleware with `wrapToolCall` turns an
 * ordinary tool error into a rejected run. Use this for tools that other middleware brings in.
 *
 * It must be **last** in the middleware array: what comes after it is nearer to the tool, so that it could
 * exchange the tool behind its back, and retry without a new key.
 *
 * A tool without a scope is refused when it is called, with `scope_invalid` on the record. A tool that is
 * wrapped already keeps its own scope, unless `scopes` names it.
 *
 * @throws TypeError when an option is wrong.
 *
 * @example
 * ```ts
 * import { consoleSink, createAgentKeys } from "@agent-keys/core";
 * import { agentKeysMiddleware } from "@agent-keys/langchain/middleware";
 * import { toolRetryMiddleware } from "langchain";
 *
 * const keys = createAgentKeys({ agent: "bot", policy: "allow-all", audit: consoleSink() });
 * export const middleware = [
 *   toolRetryMiddleware(),
 *   agentKeysMiddleware({ keys, scopes: { get_ticket: "tickets:read" } }), // last
 * ];
 * ```
 */
export function agentKeysMiddleware<RUNTIME extends RunnableConfig = ToolCallRuntime>(
  options: AgentKeysMiddlewareOptions<RUNTIME>,
): AgentMiddleware<undefined, undefined, unknown, readonly []> {
  const guarded = guardedOnce(options as unknown as AgentKeysMiddlewareOptions);
  return {
    ...BRAND,
    name: "agentKeysMiddleware",
    wrapToolCall: (request, handler) => {
      const { tool } = request;
      // LangChain answers a call of a tool that there is not.
      if (tool === undefined || !isExecutable(tool)) return handler(request);
      return handler({ ...request, tool: guarded(tool) });
    },
  };
}

// What createMiddleware() adds; without it, nothing of langchain need be loaded here.
const BRAND = { [Symbol.for("AgentMiddleware")]: true };

/** Guards each tool when it is first called. */
function guardedOnce(
  options: AgentKeysMiddlewareOptions,
): <TOOL extends object>(tool: TOOL) => TOOL {
  checkToolsOptions(options);
  const { scopes = {}, defaultScope, ...shared } = options;
  checkAhead(scopes, shared);
  const known = new WeakMap<object, object>();

  const guard = <TOOL extends object>(tool: TOOL): TOOL => {
    const name = nameOfTool(tool) ?? "";
    try {
      const stated = Object.hasOwn(scopes, name) ? scopes[name] : undefined;
      const rule = ruleFor(name, tool, stated, { defaultScope });
      if (rule === undefined) return tool;
      // The others' arguments are not looked for in it.
      const args = ownArguments(shared.args ?? {}, parametersOf(tool));
      return behind(tool, described(name, tool, rule), { ...shared, args });
    } catch (cause) {
      return refusing(tool, name, new AgentKeyError("scope_invalid", { cause }), shared);
    }
  };
  return <TOOL extends object>(tool: TOOL): TOOL => {
    const found = (known.get(tool) as TOOL | undefined) ?? guard(tool);
    known.set(tool, found);
    return found;
  };
}

type Shared = SharedWrapOptions<ToolCallRuntime>;

function behind<TOOL extends object>(
  tool: TOOL,
  as: GuardedTool<ToolCallRuntime>,
  shared: Shared,
): TOOL {
  const [guard] = guardTools([as], shared);
  if (guard === undefined) throw new Error("a tool is left without its guard");
  return guardedTool(tool, guard);
}

/** What wrapTools would find when the agent is built is a refusal at each call, on the record. */
function refusing<TOOL extends object>(
  tool: TOOL,
  name: string,
  refusal: AgentKeyError,
  { keys }: Shared,
): TOOL {
  const refuse = (): never => {
    throw refusal;
  };
  const [guard] = guardTools([described(name, tool, refuse)], { keys });
  if (guard === undefined) throw new Error("a tool is left without its guard");
  // Not by `_call`: the tool may have ways in of its own.
  return isRunnableTool(tool) ? guardedInvoke(tool, guard) : guardedTool(tool, guard);
}

/** Finds what is wrong with the options before there is any tool. */
function checkAhead(
  scopes: NonNullable<AgentKeysMiddlewareOptions["scopes"]>,
  shared: Shared,
): void {
  const unknownTool = { framework: "langchain", parameters: undefined };
  const stated = Object.entries(scopes).map(([name, scope = false]) => ({
    ...unknownTool,
    name,
    scope,
  }));
  guardTools([{ ...unknownTool, name: "any", scope: false }, ...stated], shared);
}
