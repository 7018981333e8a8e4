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

const SHARED = ["keys", "expiresIn", "args", "context"];
const OF_TOOLS = new Set([...SHARED, "scopes", "defaultScope"]);
const OF_TOOL = new Set([...SHARED, "name", "scope"]);

/** @throws TypeError naming what is wrong with the options as such, whatever the tools are. */
export function checkToolsOptions(options: object): void {
  requireKnown(options, OF_TOOLS);
  const { scopes, defaultScope } = options as Record<string, unknown>;
  if (scopes !== undefined && !isRecord(scopes)) {
    throw new TypeError("scopes: must be an object, a scope for each tool's name");
  }
  if (defaultScope !== undefined && typeof defaultScope !== "function") {
    throw new TypeError("defaultScope: must be a function ({ name, annotations, input }) => scope");
  }
}

/** @throws TypeError naming what is wrong with the options as such, whatever the tool is. */
export function checkToolOptions(options: object): void {
  requireKnown(options, OF_TOOL);
  const { name, scope } = options as Record<string, unknown>;
  if (typeof name !== "string" || name === "") {
    throw new TypeError(
      "name: must be the tool's name; a tool of the AI SDK does not know its own",
    );
  }
  if (scope === undefined) throw new TypeError(`scope: missing for tool "${name}"`);
}

function requireKnown(options: unknown, known: ReadonlySet<string>): void {
  if (!isRecord(options)) throw new TypeError("options: must be an object");
  const unknown = Object.keys(options).find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw new TypeError(`${unknown}: not an option; there are ${[...known].join(", ")}`);
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
