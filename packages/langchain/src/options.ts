import type { RunnableConfig } from "@langchain/core/runnables";
import type { DefaultScopeCall, Scope, ScopeRule, SharedWrapOptions } from "@agent-keys/core/wrap";
import type { InputNamed, InputOf, NameOf, ToolCallRuntime } from "./tool-types.ts";

/**
 * A scope for each tool's name. Where every name is a literal, as `tool()` says it, an unknown name is
 * a compile error, and each scope function sees its own tool's input. A tool whose name is `string`, as
 * a class says it, may be named too; then an unknown name is found when the tools are wrapped.
 */
export type ScopesByName<TOOL, RUNTIME> = {
  readonly [NAME in NameOf<TOOL>]?:
    | (string extends NAME
        ? Scope | AnyScopeFunction<InputOf<TOOL>, RUNTIME>["decide"]
        : ScopeRule<InputNamed<TOOL, NAME>, RUNTIME>)
    | undefined;
};

// A method's parameters are compared both ways, so that a function may say which input it takes.
interface AnyScopeFunction<INPUT, RUNTIME> {
  decide(input: INPUT, call: RUNTIME): Scope;
}

/** The options of `wrapTools`. */
export interface WrapOptions<
  TOOL extends object,
  RUNTIME extends RunnableConfig = ToolCallRuntime,
> extends SharedWrapOptions<RUNTIME> {
  /**
   * What each tool's calls may do, by the tool's name: a scope, a grant, a list of them, `false` (this
   * tool runs without a key, on purpose), or a function of the call's validated input and LangChain's
   * own runtime. Tools that are not executed here take none.
   */
  readonly scopes?: ScopesByName<TOOL, RUNTIME> | undefined;
  /**
   * Decides for the tools that `scopes` does not name, such as those of an MCP server. A tool that is
   * wrapped already keeps its own scope.
   */
  readonly defaultScope?: ((call: DefaultScopeCall) => Scope) | undefined;
}

/** The options of `wrapTool`. */
export interface WrapToolOptions<
  TOOL extends object,
  RUNTIME extends RunnableConfig = ToolCallRuntime,
> extends SharedWrapOptions<RUNTIME> {
  /** What the tool's calls may do: as in `scopes` of {@link WrapOptions}. */
  readonly scope: ScopeRule<InputOf<TOOL>, RUNTIME>;
}
