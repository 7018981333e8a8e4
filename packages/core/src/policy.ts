import * as z from "zod";
import type { Grant } from "./grant.ts";
import { isNarrower, meet } from "./grant.ts";
import { describeIssues, GRANT_LIMITS, plainRecord, ruleSchema } from "./grant-schema.ts";
import type { PolicyRule } from "./rate.ts";
import { isScopePattern, scopeCovers } from "./scope.ts";

/** What one agent may be given at all. */
export interface AgentPolicy {
  /** What is minted is the meet of what was asked and each of these. */
  readonly allow: readonly PolicyRule[];
  /** Scopes or patterns that are refused whatever `allow` says. */
  readonly deny?: readonly string[] | undefined;
}

/**
 * The ceiling, by agent: a name, or a prefix with `*` (`"support-*"`). An exact name is preferred to a
 * prefix and a longer prefix to a shorter one; only that entry's `allow` counts, but the `deny` of
 * every entry that matches does.
 */
export type Policy = Readonly<Record<string, AgentPolicy>>;

/** What policy makes of a request for grants. */
export type PolicyDecision =
  | { readonly allowed: true; readonly grants: readonly Grant[] }
  | { readonly allowed: false; readonly denied: readonly string[]; readonly reason: string };

const agentPattern = z
  .string()
  .min(1, "an agent's name must not be empty")
  .max(256, "at most 256 characters")
  .refine((name) => !name.slice(0, -1).includes("*"), "`*` may only end an agent's name");

const policySchema: z.ZodType<Policy> = plainRecord(
  z.record(
    agentPattern,
    z.strictObject({
      allow: z.array(ruleSchema),
      deny: z
        .array(z.string().refine(isScopePattern, "must be a scope, `*` only as last segment"))
        .optional(),
    }),
  ),
);

/**
 * Validates a policy once, when it is loaded.
 *
 * @throws TypeError naming the path and what is wrong there.
 */
export function parsePolicy(policy: unknown): Policy | "allow-all" {
  if (policy === "allow-all") return policy;
  if (typeof policy === "string")
    throw new TypeError('policy: the only text it may be is "allow-all"');
  const parsed = policySchema.safeParse(policy);
  if (!parsed.success) throw new TypeError(describeIssues(parsed.error, "policy"));
  return parsed.data;
}

/**
 * The grants that may be minted for what was asked. Each grant asked for must leave something: one
 * that is denied, or of which nothing is left, refuses the whole, so that a tool never runs with
 * half of what it needs.
 */
export function decide(
  policy: Policy | "allow-all",
  agent: string,
  asked: readonly Grant[],
): PolicyDecision {
  if (policy === "allow-all") return { allowed: true, grants: asked };
  const entries = entriesFor(policy, agent);
  const [closest] = entries;
  const scopes = asked.map((grant) => grant.scope);
  if (closest === undefined) return refuse(scopes, "no policy for this agent");

  const denied = scopes.filter((scope) => isDenied(entries, scope));
  if (denied.length > 0) return refuse(denied, "a deny pattern matches");

  const granted = asked.map((grant) => narrow(grant, closest.allow));
  const empty = scopes.filter((_, index) => granted[index]?.length === 0);
  if (empty.length > 0) return refuse(empty, "no allow rule leaves anything of what was asked");
  const grants = withoutRedundant(granted.flat());
  return grants.length > GRANT_LIMITS.grants
    ? refuse(scopes, `more than ${GRANT_LIMITS.grants} grants`)
    : { allowed: true, grants };
}

/** Whether a `deny` of any of an agent's entries matches a scope. */
function isDenied(entries: readonly AgentPolicy[], scope: string): boolean {
  return entries.some(({ deny = [] }) => deny.some((pattern) => scopeCovers(pattern, scope)));
}

/** The meets of one grant with each of a list of others. */
export function narrow(grant: Grant, ceilings: readonly Grant[]): readonly Grant[] {
  return ceilings.map((ceiling) => meet(grant, ceiling)).filter((left) => left !== undefined);
}

/** The allow rules of an agent that concern a scope. Empty under `"allow-all"`. */
export function rulesFor(
  policy: Policy | "allow-all",
  agent: string,
  scope: string,
): readonly PolicyRule[] {
  if (policy === "allow-all") return [];
  const [closest] = entriesFor(policy, agent);
  return closest?.allow.filter((rule) => scopeCovers(rule.scope, scope)) ?? [];
}

/** The same at an enforcement point: none where a `deny` matches the scope. */
export function rulesLeft(policy: Policy, agent: string, scope: string): readonly PolicyRule[] {
  return isDenied(entriesFor(policy, agent), scope) ? [] : rulesFor(policy, agent, scope);
}

/** The entries that match an agent, the most specific first. */
function entriesFor(policy: Policy, agent: string): readonly AgentPolicy[] {
  return Object.entries(policy)
    .filter(([name]) => matchesAgent(name, agent))
    .toSorted(([a], [b]) => specificity(b) - specificity(a))
    .map(([, entry]) => entry);
}

function matchesAgent(name: string, agent: string): boolean {
  return name.endsWith("*") ? agent.startsWith(name.slice(0, -1)) : name === agent;
}

function specificity(name: string): number {
  return name.endsWith("*") ? name.length : Infinity;
}

/** Drops each grant that another of the list covers; of equals the first stays. */
export function withoutRedundant(grants: readonly Grant[]): readonly Grant[] {
  return grants.filter(
    (grant, index) =>
      !grants.some((other, at) => {
        if (!isNarrower(grant, other)) return false;
        return at < index || !isNarrower(other, grant);
      }),
  );
}

function refuse(denied: readonly string[], reason: string): PolicyDecision {
  return { allowed: false, denied, reason };
}
