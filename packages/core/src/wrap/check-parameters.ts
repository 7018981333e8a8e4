import { constrainedNames, FREE, type Grant, valuesOf } from "../grant.ts";
import type { Issuer } from "../issuer.ts";
import { rulesFor } from "../policy.ts";
import { type ArgumentNames, valueNames } from "./bind-arguments.ts";

/** A tool whose scope may be known when it is wrapped. */
export interface StatedTool {
  readonly name: string;
  /** The option that states its scope. */
  readonly option: string;
  /** `undefined` when its schema does not say all of them. */
  readonly parameters: readonly string[] | undefined;
  /** `undefined` when a function decides at each call, or the tool runs without a key. */
  readonly grants: readonly Grant[] | undefined;
}

interface Against {
  readonly issuer: Pick<Issuer, "policy" | "unbound">;
  readonly agent: string;
  readonly args: ArgumentNames;
}

/**
 * Refuses names that no tool has, when the tools are wrapped: a misspelt rule must not lie inert.
 * What depends on the call is checked at the call.
 *
 * @throws TypeError naming the option and the name.
 */
export function checkParameters(tools: readonly StatedTool[], against: Against): void {
  checkArgs(tools, against.args);
  // Where another party enforces what no argument carries, names may be that party's own.
  if (against.issuer.unbound === "audience") return;
  for (const tool of tools) checkOwnWhere(tool, against.args);
  checkPolicy(tools, against);
}

function checkArgs(tools: readonly StatedTool[], args: ArgumentNames): void {
  // No tools at all is what a server without tools gives: nothing is misspelt then.
  if (tools.length === 0 || tools.some(({ parameters }) => parameters === undefined)) return;
  for (const [name, argument] of Object.entries(args)) {
    if (tools.some(({ parameters }) => parameters?.includes(argument))) continue;
    throw new TypeError(`args.${name}: no wrapped tool has an argument "${argument}"`);
  }
}

function checkOwnWhere({ option, parameters, grants }: StatedTool, args: ArgumentNames): void {
  if (parameters === undefined) return;
  for (const value of (grants ?? []).flatMap(constrainedNames)) {
    if (valueNames(parameters, args).includes(value)) continue;
    throw new TypeError(
      `${option}: where names "${value}", which the tool has no argument for; ` +
        "a scope function states what the tool itself fixes",
    );
  }
}

function checkPolicy(tools: readonly StatedTool[], { issuer, agent, args }: Against): void {
  const concerned = new Map<Grant, StatedTool[]>();
  for (const tool of tools) {
    for (const rule of rulesOf(tool, issuer, agent)) {
      concerned.set(rule, [...(concerned.get(rule) ?? []), tool]);
    }
  }
  for (const [rule, those] of concerned) {
    if (those.some(({ parameters }) => parameters === undefined)) continue;
    const missing = constrainedNames(rule).find(
      (value) =>
        !mayBeForOthers(rule, value, those) &&
        !those.some(({ parameters }) => valueNames(parameters ?? [], args).includes(value)),
    );
    if (missing === undefined) continue;
    const names = those.map(({ name }) => name).join(", ");
    throw new TypeError(
      `policy: the rule for ${rule.scope} constrains "${missing}", which no tool it applies to ` +
        `has an argument for (${names}); correct the name, or map it with args`,
    );
  }
}

/**
 * A rule for many scopes may name what only some of their tools have. One tool, wrapped by itself, is
 * no evidence that such a name is misspelt; a required one refuses its every call and is told at once.
 */
function mayBeForOthers(rule: Grant, name: string, those: readonly StatedTool[]): boolean {
  const allowed = valuesOf(rule, name);
  return those.length === 1 && rule.scope.endsWith("*") && allowed !== FREE && allowed.optional;
}

function rulesOf(tool: StatedTool, issuer: Against["issuer"], agent: string): readonly Grant[] {
  const scopes = new Set((tool.grants ?? []).map((grant) => grant.scope));
  return [...new Set([...scopes].flatMap((scope) => [...rulesFor(issuer.policy, agent, scope)]))];
}
