import type { RunnableConfig } from "@langchain/core/runnables";
import { checkToolOptions, checkToolsOptions, guardTools } from "@agent-keys/core/wrap";
import { guardedTool, isExecutable } from "./guarded-tool.ts";
import type { WrapOptions, WrapToolOptions } from "./options.ts";
import { described, nameOfTool, ruleFor } from "./scope-rule.ts";
import type { ToolCallRuntime } from "./tool-types.ts";

/**
 * Wraps tools of LangChain, so that each execution runs under a key of its own: minted after LangChain
 * has validated the input, closed when the call ends. When anything refuses, the tool's body never
 * runs, and the model is told so by a constant text. Inside a tool, `requireKey()` is its key.
 *
 * An array in, an array of the same type out, in the same order; the tools given are not changed. Tools
 * that are not executed here (a provider's, and headless ones) are passed through as they are. Wrapping
 * twice mints once: a tool that `scopes` names is wrapped anew, by these options alone; `defaultScope`
 * leaves wrapped tools as they are.
 *
 * @throws TypeError when an option is wrong, a tool has no scope, two tools have one name, or `scopes`
 * names an unknown tool.
 *
 * @example
 * ```ts
 * import { consoleSink, createAgentKeys, requireKey } from "@agent-keys/core";
 * import { wrapTools } from "@agent-keys/langchain";
 * import { tool } from "@langchain/core/tools";
 * import * as z from "zod";
 *
 * const keys = createAgentKeys({ agent: "bot", policy: "allow-all", audit: consoleSink() });
 * const getTicket = tool(async ({ ticketId }) => `${ticketId} under ${requireKey().id}`, {
 *   name: "get_ticket",
 *   schema: z.object({ ticketId: z.string() }),
 * });
 * export const tools = wrapTools([getTicket], { keys, scopes: { get_ticket: "tickets:read" } });
 * ```
 */
export function wrapTools<TOOL extends object, RUNTIME extends RunnableConfig = ToolCallRuntime>(
  tools: readonly TOOL[],
  options: WrapOptions<TOOL, RUNTIME>,
): TOOL[] {
  checkToolsOptions(options);
  const names = namesOf(tools);
  const { scopes = {}, defaultScope, ...shared } = options as unknown as WrapOptions<NamedTool>;
  const stranger = Object.keys(scopes).find((name) => !names.includes(name));
  if (stranger !== undefined) throw new TypeError(`scopes.${stranger}: there is no such tool`);

  const ruled = tools.flatMap((tool, index) => {
    const name = names[index] ?? "";
    const stated = Object.hasOwn(scopes, name) ? scopes[name] : undefined;
    const rule = ruleFor(name, tool, stated, { defaultScope });
    return rule === undefined ? [] : [{ tool, guarded: described(name, tool, rule) }];
  });
  const guards = guardTools(
    ruled.map(({ guarded }) => guarded),
    shared,
  );
  const wrapped = new Map(
    ruled.map(({ tool }, index) => {
      const guard = guards[index];
      if (guard === undefined) throw new Error("a tool is left without its guard");
      return [tool, guardedTool(tool, guard)] as const;
    }),
  );
  return tools.map((tool) => wrapped.get(tool) ?? tool);
}

/**
 * Wraps one tool: see {@link wrapTools}. A tool that is wrapped already is wrapped anew, by these
 * options alone.
 *
 * @throws TypeError when an option is wrong, or the tool is not executed here.
 */
export function wrapTool<TOOL extends object, RUNTIME extends RunnableConfig = ToolCallRuntime>(
  tool: TOOL,
  options: WrapToolOptions<TOOL, RUNTIME>,
): TOOL {
  checkToolOptions(options);
  requireTool("tool", tool);
  const name = nameOfTool(tool) ?? "";
  const { scope, ...shared } = options as unknown as WrapToolOptions<NamedTool>;
  if (scope === undefined) throw new TypeError(`scope: missing for tool "${name}"`);
  const rule = ruleFor(name, tool, scope, { option: "scope" });
  if (rule === undefined) return tool;
  const [guard] = guardTools([described(name, tool, rule, "scope")], shared);
  if (guard === undefined) throw new Error("the tool is left without its guard");
  return guardedTool(tool, guard);
}

/** What the options are typed by inside, where nothing is known of the tools. */
interface NamedTool {
  readonly name: string;
  readonly func: (input: never) => unknown;
}

function namesOf(tools: readonly object[]): readonly (string | undefined)[] {
  if (!Array.isArray(tools)) throw new TypeError("tools: must be an array");
  for (const [index, tool] of tools.entries()) requireTool(`tools[${index}]`, tool);
  const names = tools.map(nameOfTool);
  const double = names.find((name, at) => name !== undefined && names.indexOf(name) < at);
  if (double !== undefined) throw new TypeError(`tools: two of them are named "${double}"`);
  return names;
}

function requireTool(where: string, tool: unknown): void {
  if (typeof tool !== "object" || tool === null) {
    throw new TypeError(`${where}: must be a tool of LangChain`);
  }
  if (isExecutable(tool) && nameOfTool(tool) === undefined) {
    throw new TypeError(`${where}: has no name`);
  }
}
