/**
 * What an adapter for a framework is made of: the guard that runs each execution of a tool under a
 * key of its own.
 *
 * @module
 */
export { guardTools, type Guard, type GuardedCall, type GuardedTool } from "./guard.ts";
export type { DefaultScopeCall, Scope, ScopeRule, SharedWrapOptions } from "./options.ts";
export { parameterNames } from "./parameters.ts";
export { type Classify, errorOutcome } from "./run-under-key.ts";
export {
  checkToolOptions,
  checkToolsOptions,
  scopeRule,
  type ScopeQuestion,
} from "./scope-rule.ts";
export { ownArguments, TEXT_INPUT } from "./bind-arguments.ts";
