import type { DefaultScopeCall, Scope, ScopeRule, SharedWrapOptions } from "@agent-keys/core/wrap";
import type { CallOf, InputOf } from "./tool-types.ts";

/** The options of `wrapTools`. */
export interface WrapOptions<TOOLS extends Record<string, object>> extends SharedWrapOptions<
  CallOf<TOOLS[keyof TOOLS]>
> {
  /**
   * What each tool's calls may do, by the tool's name: a scope, a grant, a list of them, `false` (this
   * tool runs without a key, on purpose), or a function of the call's validated input and the second
   * argument of `execute`. Tools that are not executed here take none.
   */
  readonly scopes?:
    | { readonly [NAME in keyof TOOLS]?: ScopeRule<InputOf<TOOLS[NAME]>, CallOf<TOOLS[NAME]>> }
    | undefined;
  /**
   * Decides for the tools that `scopes` does not name, such as those of an MCP server. A tool that is
   * wrapped already keeps its own scope.
   */
  readonly defaultScope?: ((call: DefaultScopeCall) => Scope) | undefined;
}

/** The options of `wrapTool`. */
export interface WrapToolOptions<TOOL extends object> extends SharedWrapOptions<CallOf<TOOL>> {
  /** The tool's name, for the record: the AI SDK keeps it outside the tool. */
  readonly name: string;
  /** What the tool's calls may do: as in `scopes` of {@link WrapOptions}. */
  readonly scope: ScopeRule<InputOf<TOOL>, CallOf<TOOL>>;
}
