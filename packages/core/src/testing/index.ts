/**
 * For testing your own tools: keys with an audit in memory, and a clock that the test moves.
 *
 * @module
 */
import { type AgentKeys, keysOf } from "../agent-keys.ts";
import { memorySink } from "../audit/memory-sink.ts";
import type { AuditEvent } from "../audit/event.ts";
import type { SinkInput } from "../audit/sink.ts";
import { type Duration, durationSeconds } from "../duration.ts";
import { type AgentKeysOptions, openIssuer } from "../options.ts";

export { storeContract } from "./store-contract.ts";
export type { StoreContract } from "./use-counter-contract.ts";

/** Keys for a test. */
export interface TestKeys extends AgentKeys {
  /** Everything on record so far, oldest first. */
  readonly events: readonly AuditEvent[];
  /** The clock that keys and store go by. It moves only when told to, by as much as one likes. */
  readonly clock: { now(): number; advance(by: Duration): void };
}

/** When a test's clock starts: 2026-01-01T00:00:00Z. */
const START_MS = Date.UTC(2026, 0, 1);

/**
 * Keys with a memory audit, silent, on a clock that stands still until the test moves it. The agent is
 * `"test-agent"` and every scope is allowed, unless `options` say otherwise. Sinks given as `audit`
 * come beside the memory audit.
 *
 * @example
 * ```ts
 * import { testKeys } from "@agent-keys/core/testing";
 *
 * const keys = testKeys();
 * const key = keys.mint("tickets:read");
 * keys.clock.advance("13s");
 * await keys.verify(key.token).catch((error) => error.code); // "key_expired"
 * ```
 */
export function testKeys(options: Partial<AgentKeysOptions> = {}): TestKeys {
  let nowMs = START_MS;
  const now = (): number => nowMs;
  const sink = memorySink();
  const { audit = [] } = options;
  const given: AgentKeysOptions = {
    agent: "test-agent",
    policy: "allow-all",
    now,
    ...options,
    audit: [sink, audit].flat() as readonly SinkInput[],
  };
  // Not the environment's broker: a test must not tell anybody of its keys.
  const keys = keysOf(openIssuer(given, {}), given);
  const clock = {
    now,
    advance(by: Duration): void {
      nowMs += (durationSeconds(by, Infinity) ?? invalid()) * 1000;
    },
  };
  const testing = Object.create(keys, {
    events: { get: () => sink.events, enumerable: true },
    clock: { value: clock, enumerable: true },
  }) as TestKeys;
  return testing;
}

function invalid(): never {
  throw new TypeError('advance: must be seconds, or text such as "10s" or "5m"');
}
