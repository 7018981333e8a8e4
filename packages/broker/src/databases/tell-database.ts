import type { AgentKeyError } from "@agent-keys/core";

const AGAIN_MS = 60_000;

/**
 * Tells who runs the broker, on stderr, why a database gives no roles: it is a matter of its set-up, of
 * which nobody else is told. Each reason once a minute at most.
 */
export function databaseTeller(
  monotonicMs: () => number = () => performance.now(),
): (name: string, error: AgentKeyError) => void {
  const told = new Map<string, number>();
  return (name, { code, cause }) => {
    if (code !== "upstream_unavailable" && code !== "secret_unavailable") return;
    const why = cause instanceof Error ? cause.message : code;
    const text = `agent-keys: ${name}: ${why}`;
    const nowMs = monotonicMs();
    if (nowMs - (told.get(text) ?? -Infinity) < AGAIN_MS) return;
    if (told.size > 100) told.clear();
    told.set(text, nowMs);
    process.stderr.write(`${text}\n`);
  };
}
