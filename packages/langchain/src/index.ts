/**
 * Runs every tool call of LangChain under its own scoped, expiring key.
 *
 * @module
 */
export type { ScopesByName, WrapOptions, WrapToolOptions } from "./options.ts";
export type { InputNamed, InputOf, NameOf, ToolCallRuntime } from "./tool-types.ts";
export { wrapTool, wrapTools } from "./wrap-tools.ts";
