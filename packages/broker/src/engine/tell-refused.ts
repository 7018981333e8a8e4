import type { Clock } from "@agent-keys/core/enforce";
import type { Refused } from "./refusal.ts";

const MINUTE_MS = 60_000;

/**
 * Tells whoever runs the broker why keys are refused, on stderr: the sender is told no more than that they
 * are. Once a minute for each reason, and nothing that a sender wrote.
 */
export function refusedTeller(
  audience: () => string,
  monotonicMs: Clock = () => performance.now(),
): (why: Refused) => void {
  const toldAtMs = new Map<string, number>();
  return ({ error: { code }, check }) => {
    const what = code === "issuer_unavailable" ? KEYS_UNAVAILABLE : REASONS[check];
    if (what === undefined) return;
    const nowMs = monotonicMs();
    if (nowMs - (toldAtMs.get(check) ?? -Infinity) < MINUTE_MS) return;
    toldAtMs.set(check, nowMs);
    const said = check === "audience" ? `${what}; this broker is ${audience()}` : what;
    process.stderr.write(`agent-keys: a key was refused (${code}): ${said}\n`);
  };
}

const KEYS_UNAVAILABLE = "its issuer's jwks cannot be fetched, or is none";

/** By check. A check that is not here says enough on the record. */
const REASONS: Readonly<Record<string, string>> = {
  issuer: "no issuer of that iss is registered; add it to issuers, with what its keys.jwks() gives",
  audience: "it is for another audience, so its issuer names another broker",
  kid: "its kid is not in the issuer's jwks; register what keys.jwks() gives now",
  signature: "its signature is not the registered key's",
  typ: "it is a token of another kind",
  algorithm: "it names another algorithm than its issuer is registered with",
  clock: "it is not valid yet; the clocks of issuer and broker differ by more than 2 s",
  expired: "it has expired; a call that needs longer says so with expiresIn",
};
