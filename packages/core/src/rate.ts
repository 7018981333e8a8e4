import { createHash } from "node:crypto";
import { canonicalJson } from "./audit/canonical.ts";
import { type Duration, durationSeconds } from "./duration.ts";
import type { Grant } from "./grant.ts";
import type { WindowCharge } from "./store/store.ts";

/** How often: at no moment more than `calls` within the last `per`, whatever its edges. */
export interface Rate {
  /** At most 10,000. */
  readonly calls: number;
  /** Seconds, `"30s"`, `"5m"` or `"1h"`; at most 24 hours. */
  readonly per: RatePeriod;
}

/** Over how long a {@link Rate} counts. */
export type RatePeriod = Duration | `${number}h`;

/** One allow rule of a policy: a ceiling for grants, and how often it is used. */
export interface PolicyRule extends Grant {
  /**
   * How often requests are admitted under this rule, for each issuer and agent, by all keys together.
   * Counted where a request is admitted: the broker, and `keys.verify` with `consume`. Where another
   * rule without a rate allows the same request, nothing limits it. A delegated key's request is counted
   * for every agent that delegated as well: under each of its rules that leaves something of the grant,
   * unless one without a rate leaves the whole. Default: not limited.
   */
  readonly rate?: Rate | undefined;
}

/** Each use of a window is remembered by itself, so neither may be any number. */
export const RATE_LIMITS: { readonly calls: number; readonly periodSeconds: number } = {
  calls: 10_000,
  periodSeconds: 24 * 60 * 60,
};

/** The milliseconds of a rate's period, never rounded down; `undefined` when it is none. */
export function ratePeriodMs(per: unknown): number | undefined {
  const seconds =
    typeof per === "string" && per.endsWith("h")
      ? hoursToSeconds(per.slice(0, -1))
      : durationSeconds(per, RATE_LIMITS.periodSeconds);
  return seconds === undefined ? undefined : Math.ceil(seconds * 1000);
}

function hoursToSeconds(hours: string): number | undefined {
  const minutes = durationSeconds(`${hours}m`, RATE_LIMITS.periodSeconds / 60);
  return minutes === undefined ? undefined : minutes * 60;
}

/**
 * The window that requests under a rule are charged to: one for each issuer and agent, and for exactly
 * this rule. A changed rule begins anew. `undefined` for a rule without a rate.
 */
export function rateWindow(iss: string, agent: string, rule: PolicyRule): WindowCharge | undefined {
  const { rate } = rule;
  if (rate === undefined) return undefined;
  const windowMs = ratePeriodMs(rate.per);
  if (windowMs === undefined) throw new TypeError("rate.per: not a period");
  const id = JSON.stringify(["rate", iss, agent, digestOf(rule)]);
  return { kind: "window", id, limit: rate.calls, windowMs };
}

// Of rules as they were parsed, which nobody changes.
const digests = new WeakMap<PolicyRule, string>();

function digestOf(rule: PolicyRule): string {
  const known = digests.get(rule);
  if (known !== undefined) return known;
  const digest = createHash("sha256").update(canonicalJson(rule)).digest("base64url");
  digests.set(rule, digest);
  return digest;
}
