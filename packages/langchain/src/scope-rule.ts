import {
  type DefaultScopeCall,
  type GuardedTool,
  parameterNames,
  type Scope,
  scopeRule,
  type ScopeRule,
  TEXT_INPUT,
} from "@agent-keys/core/wrap";
import { isExecutable, isGuarded } from "./guarded-tool.ts";
import { nameOfClass } from "./guarded-runnable.ts";
import type { ToolCallRuntime } from "./tool-types.ts";

/** A scope rule of any tool. */
export type Rule = ScopeRule<never, ToolCallRuntime>;

/** Decides for the tools that have no scope of their own. */
export type DefaultScope = ((call: DefaultScopeCall) => Scope) | undefined;

/**
 * The scope rule of a tool; `undefined` when it is passed through as it is.
 *
 * @throws TypeError naming the tool that has no scope, or one that it cannot have.
 */
export function ruleFor(
  name: string,
  tool: object,
  stated: Rule | undefined,
  { defaultScope, option = `scopes.${name}` }: { defaultScope?: DefaultScope; option?: string },
): Rule | undefined {
  const known = { executable: isExecutable(tool), guarded: isGuarded(tool) };
  return scopeRule<ToolCallRuntime>({ name, tool, option, stated, defaultScope, ...known });
}

/** What the guard has to know of a tool. */
export function described(
  name: string,
  tool: object,
  scope: Rule,
  option?: string,
): GuardedTool<ToolCallRuntime> {
  return { name, framework: "langchain", scope, option, parameters: parametersOf(tool) };
}

/** The parameters of a tool, where they are known for certain. */
export function parametersOf(tool: object): readonly string[] | undefined {
  if (nameOfClass(tool) === "DynamicTool") return [TEXT_INPUT];
  return parameterNames((tool as { readonly schema?: unknown }).schema);
}

/** The name of a tool, which plain tool objects may not have. */
export function nameOfTool(tool: object): string | undefined {
  const { name } = tool as { readonly name?: unknown };
  return typeof name === "string" && name !== "" ? name : undefined;
}
