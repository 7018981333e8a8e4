import type { AgentKeyErrorCode } from "@agent-keys/core";
import type { Decision } from "./decision.ts";

/** A check that said no. */
export type Refused = Extract<Decision, { outcome: "refused" }>;

/** @param detail - For a developer. Never a value of the request. */
export function refused(code: AgentKeyErrorCode, check: string, detail: string): Refused {
  return { outcome: "refused", code, check, detail };
}

/** Whether what a check returned is a refusal. */
export function isRefused(result: object): result is Refused {
  return "outcome" in result && result.outcome === "refused";
}
