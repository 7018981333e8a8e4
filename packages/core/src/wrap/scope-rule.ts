import { requireKnown } from "../known-options.ts";
import type { DefaultScopeCall, Scope, ScopeRule } from "./options.ts";

/** Which scope a tool gets, and what is known of the tool for that. */
export interface ScopeQuestion<Rule> {
  readonly name: string;
  readonly tool: object;
  /** The option that states its scope, for an error: `scopes.getTicket`. */
  readonly option: string;
  /** The scope that is stated for it, if one is. */
  readonly stated: Rule | undefined;
  /** Decides where none is stated. */
  readonly defaultScope?: ((call: DefaultScopeCall) => Scope) | undefined;
  /** Whether it is executed here: a client's or a provider's own tool is not. */
  readonly executable: boolean;
  /** Whether it was wrapped before. */
  readonly guarded: boolean;
}

/**
 * The scope rule of a tool; `undefined` when it is passed through as it is: it is not executed here, or
 * was wrapped before and no new scope is stated.
 *
 * @throws TypeError naming the tool that has no scope, or has one that it cannot have.
 */
export function scopeRule<Call>(
  question: ScopeQuestion<ScopeRule<never, Call>>,
): ScopeRule<never, Call> | undefined {
  const { name, tool, option, stated, defaultScope, executable, guarded } = question;
  if (!executable) {
    if (stated === undefined || stated === false) return undefined;
    throw new TypeError(`${option}: tool "${name}" is not executed here, so no key can be minted`);
  }
  if (stated !== undefined) return stated;
  if (guarded) return undefined;
  if (defaultScope === undefined) {
    throw new TypeError(`${option}: missing; give the tool a scope, or false for no key`);
  }
  const annotations = annotationsOf(tool);
  return (input: unknown) => defaultScope({ name, annotations, input });
}

/** The MCP clients of both frameworks put a server's annotations there. */
function annotationsOf(tool: object): Readonly<Record<string, unknown>> {
  const { metadata } = tool as { readonly metadata?: unknown };
  const { annotations } = isRecord(metadata) ? (metadata as { annotations?: unknown }) : {};
  return isRecord(annotations) ? (annotations as Record<string, unknown>) : {};
}

const SHARED = ["keys", "expiresIn", "args", "context"];

/** @throws TypeError naming what is wrong with the options of a `wrapTools`, whatever the tools are. */
export function checkToolsOptions(options: object): void {
  requireKnown("", options, [...SHARED, "scopes", "defaultScope"]);
  const { scopes, defaultScope } = options as Record<string, unknown>;
  if (scopes !== undefined && !isRecord(scopes)) {
    throw new TypeError("scopes: must be an object, a scope for each tool's name");
  }
  if (defaultScope !== undefined && typeof defaultScope !== "function") {
    throw new TypeError("defaultScope: must be a function ({ name, annotations, input }) => scope");
  }
}

/**
 * @param own - The option beside `scope` that an adapter's `wrapTool` has.
 * @throws TypeError naming what is wrong with the options of a `wrapTool`, whatever the tool is.
 */
export function checkToolOptions(options: object, own: readonly string[] = []): void {
  requireKnown("", options, [...SHARED, ...own, "scope"]);
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
