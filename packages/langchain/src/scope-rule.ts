import {
  type DefaultScopeCall,
  type GuardedTool,
  parameterNames,
  type Scope,
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
  if (!isExecutable(tool)) {
    if (stated === undefined || stated === false) return undefined;
    throw new TypeError(`${option}: this tool is not executed here, so no key can be minted`);
  }
  if (stated !== undefined) return stated;
  if (isGuarded(tool)) return undefined;
  if (defaultScope === undefined) {
    throw new TypeError(`${option}: missing; give the tool a scope, or false for no key`);
  }
  const annotations = annotationsOf(tool);
  return (input: unknown) => defaultScope({ name, annotations, input });
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

/** MCP adapters put the server's annotations there. */
function annotationsOf(tool: object): Readonly<Record<string, unknown>> {
  const { metadata } = tool as { readonly metadata?: unknown };
  const { annotations } = isObject(metadata) ? (metadata as { annotations?: unknown }) : {};
  return isObject(annotations) ? (annotations as Record<string, unknown>) : {};
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
