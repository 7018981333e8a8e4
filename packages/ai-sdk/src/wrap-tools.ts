import {
  checkToolOptions,
  checkToolsOptions,
  guardTools,
  parameterNames,
  scopeRule,
  type ScopeRule,
  type SharedWrapOptions,
} from "@agent-keys/core/wrap";
import { copyWith, holders } from "./copy-with.ts";
import { executableOf, guardedTool, isGuarded } from "./guarded-tool.ts";
import type { WrapOptions, WrapToolOptions } from "./options.ts";
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
 * import { consoleSink, createAgentKeys, requireKey } from "@agent-keys/core";
 * import { wrapTools } from "@agent-keys/ai-sdk";
 * import { tool } from "ai";
 * import * as z from "zod";
 *
 * const keys = createAgentKeys({ agent: "bot", policy: "allow-all", audit: consoleSink() });
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

  const asked = [...named].map(([name, tool]) => {
    const stated = Object.hasOwn(scopes, name) ? scopes[name] : undefined;
    return { name, tool, option: `scopes.${name}`, stated, defaultScope };
  });
  return copyWith(tools, Object.fromEntries([...named, ...wrapAll(asked, shared)]));
}

/**
 * Wraps one tool: see {@link wrapTools}. A tool that is wrapped already is wrapped anew, by these
 * options alone.
 *
 * @throws TypeError when an option is wrong, or the tool is not executed here.
 *
 * @example
 * ```ts
 * import type { AgentKeys } from "@agent-keys/core";
 * import { wrapTool } from "@agent-keys/ai-sdk";
 * import { tool } from "ai";
 * import * as z from "zod";
 *
 * export const getTime = (keys: AgentKeys) =>
 *   wrapTool(tool({ inputSchema: z.object({}), execute: () => new Date().toISOString() }), {
 *     keys,
 *     name: "getTime",
 *     scope: "clock:read",
 *   });
 * ```
 */
export function wrapTool<TOOL extends object>(
  tool: TOOL,
  options: WrapToolOptions<NoInfer<TOOL>>,
): TOOL {
  checkToolOptions(options, ["name"]);
  requireScope(options);
  if (!isObject(tool)) throw new TypeError("tool: must be a tool of the AI SDK");
  const { name, scope: stated, ...shared } = options as WrapToolOptions<object>;
  const asked = { name, tool, option: "scope", stated, defaultScope: undefined };
  return wrapAll([asked], shared).get(name) ?? tool;
}

/** What is asked of one tool. */
interface Asked<TOOL extends object> {
  readonly name: string;
  readonly tool: TOOL;
  /** The option that states its scope. */
  readonly option: string;
  readonly stated: Rule | undefined;
  readonly defaultScope: WrapOptions<Record<string, object>>["defaultScope"];
}

type Rule = ScopeRule<never, ExecuteOptions>;

/** The wrapped tools by name; those that are passed through as they are have no entry. */
function wrapAll<TOOL extends object>(
  asked: readonly Asked<TOOL>[],
  shared: SharedWrapOptions<ExecuteOptions>,
): ReadonlyMap<string, TOOL> {
  const ruled = asked.flatMap((one) => {
    const executable = executableOf(one.tool);
    const scope = scopeRule<ExecuteOptions>({
      ...one,
      executable: executable !== undefined,
      guarded: executable !== undefined && isGuarded(executable),
    });
    return scope === undefined ? [] : [{ ...one, scope }];
  });
  const guards = guardTools(
    ruled.map(({ name, tool, option, scope }) => {
      const { inputSchema } = tool as { readonly inputSchema?: unknown };
      return { name, framework: "ai-sdk", option, scope, parameters: parameterNames(inputSchema) };
    }),
    shared,
  );
  return new Map(
    ruled.map(({ name, tool }, index) => {
      const guard = guards[index];
      if (guard === undefined) throw new Error(`tool "${name}" is left without its guard`);
      return [name, guardedTool(tool, guard)];
    }),
  );
}

/** `name` and `scope` are what one tool cannot do without. */
function requireScope({
  name,
  scope,
}: {
  readonly name?: unknown;
  readonly scope?: unknown;
}): void {
  if (typeof name !== "string" || name === "") {
    throw new TypeError(
      "name: must be the tool's name; a tool of the AI SDK does not know its own",
    );
  }
  if (scope === undefined) throw new TypeError(`scope: missing for tool "${name}"`);
}

/** The tools by name. */
function namedTools(tools: Readonly<Record<string, object>>): ReadonlyMap<string, object> {
  if (!isObject(tools) || Array.isArray(tools)) {
    throw new TypeError("tools: must be an object, each tool by its name");
  }
  // `ai` 5 and 6 look a name that the model gives up along the prototypes, `__proto__` too: what they
  // find there would run unwrapped.
  for (const name of ["__proto__", ...holders(tools).flatMap(Object.getOwnPropertyNames)]) {
    const tool: unknown = tools[name];
    if (Object.hasOwn(tools, name) || !isObject(tool) || executableOf(tool) === undefined) continue;
    throw new TypeError(`tools.${name}: is inherited; give each tool as the object's own`);
  }
  const names = Object.getOwnPropertyNames(tools);
  return new Map(names.map((name) => [name, requireTool(name, tools[name])]));
}

function requireTool(name: string, tool: unknown): object {
  if (isObject(tool)) return tool;
  throw new TypeError(`tools.${name}: must be a tool of the AI SDK`);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
