import {
  type Guard,
  type GuardedTool,
  guardTools,
  parameterNames,
  type ScopeRule,
} from "@agent-keys/core/wrap";
import { copyWith, holders } from "./copy-with.ts";
import { executableOf, guardedTool, isGuarded } from "./guarded-tool.ts";
import {
  checkToolOptions,
  checkToolsOptions,
  type WrapOptions,
  type WrapToolOptions,
} from "./options.ts";
import type { ExecuteOptions } from "./tool-types.ts";

/**
 * Wraps tools of the AI SDK, so that each execution runs under a key of its own: minted after the
 * SDK has validated the input, closed when the call ends. When anything refuses, the tool's body never
 * runs, and the model is told so by a constant text. Inside a tool, `requireKey()` is its key.
 *
 * Returned is a record of the same kind with wrapped copies; the tools given are not changed. Tools
 * that are not executed here (client-side, provider-executed, and `toolSearch()`, which the SDK
 * executes itself) are passed through as they are. Wrapping twice mints once: a tool that `scopes`
 * names is wrapped anew, by these options alone; `defaultScope` leaves wrapped tools as they are.
 *
 * @throws TypeError when an option is wrong, a tool has no scope, or `scopes` names an unknown tool.
 *
 * @example
 * ```ts
 * import { createAgentKeys, requireKey } from "@agent-keys/core";
 * import { wrapTools } from "@agent-keys/ai-sdk";
 * import { tool } from "ai";
 * import * as z from "zod";
 *
 * const keys = createAgentKeys({ agent: "support-bot", policy: "allow-all" });
 * const getTicket = tool({
 *   inputSchema: z.object({ ticketId: z.string() }),
 *   execute: async ({ ticketId }) => ({ ticketId, id: requireKey().id }),
 * });
 * export const tools = wrapTools({ getTicket }, { keys, scopes: { getTicket: "tickets:read" } });
 * ```
 */
export function wrapTools<TOOLS extends Record<string, object>>(
  tools: TOOLS,
  options: WrapOptions<NoInfer<TOOLS>>,
): TOOLS {
  checkToolsOptions(options);
  const named = namedTools(tools);
  const { scopes = {}, defaultScope, ...shared } = options as WrapOptions<Record<string, object>>;
  const stranger = Object.keys(scopes).find((name) => !named.has(name));
  if (stranger !== undefined) throw new TypeError(`scopes.${stranger}: there is no such tool`);

  const ruled = [...named].flatMap(([name, tool]) => {
    const stated = Object.hasOwn(scopes, name) ? scopes[name] : undefined;
    const scope = ruleFor(name, tool, stated, defaultScope);
    return scope === undefined ? [] : [{ name, tool, scope }];
  });
  const guards = guardTools(ruled.map(described), shared);
  const wrapped = ruled.map(
    ({ name, tool }, index) => [name, behind(guards, index, tool)] as const,
  );
  return copyWith(tools, Object.fromEntries([...named, ...wrapped]));
}

/**
 * Wraps one tool: see {@link wrapTools}. A tool that is wrapped already is wrapped anew, by these
 * options alone.
 *
 * @throws TypeError when an option is wrong, or the tool is not executed here.
 */
export function wrapTool<TOOL extends object>(
  tool: TOOL,
  options: WrapToolOptions<NoInfer<TOOL>>,
): TOOL {
  checkToolOptions(options);
  const { name, scope: stated, ...shared } = options as WrapToolOptions<object>;
  requireTool(name, tool);
  const scope = ruleFor(name, tool, stated, undefined);
  if (scope === undefined) return tool;
  return behind(guardTools([described({ name, tool, scope })], shared), 0, tool);
}

type Rule = ScopeRule<never, ExecuteOptions>;

/** The scope rule of a tool; `undefined` when it is passed through as it is. */
function ruleFor(
  name: string,
  tool: object,
  stated: Rule | undefined,
  defaultScope: WrapOptions<Record<string, object>>["defaultScope"],
): Rule | undefined {
  const executable = executableOf(tool);
  if (executable === undefined) {
    if (stated === undefined || stated === false) return undefined;
    throw new TypeError(`scopes.${name}: this tool is not executed here, so no key can be minted`);
  }
  if (stated !== undefined) return stated;
  if (isGuarded(executable)) return undefined;
  if (defaultScope === undefined) {
    throw new TypeError(`scopes.${name}: missing; give the tool a scope, or false for no key`);
  }
  const annotations = annotationsOf(tool);
  return (input: unknown) => defaultScope({ name, annotations, input });
}

interface Ruled {
  readonly name: string;
  readonly tool: object;
  readonly scope: Rule;
}

function described({ name, tool, scope }: Ruled): GuardedTool<ExecuteOptions> {
  const { inputSchema } = tool as { readonly inputSchema?: unknown };
  return { name, framework: "ai-sdk", scope, parameters: parameterNames(inputSchema) };
}

function behind<TOOL extends object>(
  guards: readonly Guard<ExecuteOptions>[],
  index: number,
  tool: TOOL,
): TOOL {
  const guard = guards[index];
  if (guard === undefined) throw new Error("a tool is left without its guard");
  return guardedTool(tool, guard);
}

/** An MCP client puts the server's annotations there. */
function annotationsOf(tool: object): Readonly<Record<string, unknown>> {
  const { metadata } = tool as { readonly metadata?: unknown };
  const { annotations } = isObject(metadata) ? (metadata as { annotations?: unknown }) : {};
  return isObject(annotations) ? (annotations as Record<string, unknown>) : {};
}

/**
 * The tools by name, inherited ones too: `ai` 5 and 6 look a name that the model gives up along the
 * prototypes, so one left out would run unwrapped.
 */
function namedTools(tools: Readonly<Record<string, object>>): ReadonlyMap<string, object> {
  if (typeof tools !== "object" || tools === null || Array.isArray(tools)) {
    throw new TypeError("tools: must be an object, each tool by its name");
  }
  const named = new Map<string, object>();
  for (const holder of holders(tools)) {
    for (const name of Object.getOwnPropertyNames(holder)) {
      const tool: unknown = tools[name];
      if (holder === tools) named.set(name, requireTool(name, tool));
      else if (!named.has(name) && isObject(tool) && executableOf(tool)) named.set(name, tool);
    }
  }
  return named;
}

function requireTool(name: string, tool: unknown): object {
  if (isObject(tool)) return tool;
  throw new TypeError(`tools.${name}: must be a tool of the AI SDK`);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
