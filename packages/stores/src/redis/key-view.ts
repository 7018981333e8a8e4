import { AgentKeyError, type KeyView, memoryStore } from "@agent-keys/core";
import type { Clock } from "@agent-keys/core/enforce";
import { openClosings } from "./closings.ts";
import { follow } from "./follow.ts";
import { openHandOver } from "./hand-over.ts";
import type { Horizon } from "./horizon.ts";
import type { Journal, JournalLine } from "./journal.ts";
import { knownRevocations } from "./known-revocations.ts";
import type { Line } from "./line.ts";

/** A view in this process's memory, kept up to date by what Redis tells. */
export interface RedisKeyView extends KeyView {
  /** Resolves once it knows what stands. @throws Error with the last failure when that takes too long. */
  ready(withinMs: number): Promise<void>;
  /** Hands over what it can. Then it follows no more, and what it knows becomes stale. */
  end(): Promise<void>;
}

/** What the view needs of the store around it. */
export interface ViewParts {
  /** For what is asked. */
  readonly line: Line;
  /** For waiting on news. */
  readonly news: Line;
  readonly horizon: Horizon;
  readonly prefix: string;
  readonly journal: Journal | undefined;
  readonly now: Clock;
}

/** Heard of Redis last this long ago, a view may be stale: with a heartbeat's way it is within 2 seconds. */
const STALE_MS = 1_500;

export function redisKeyView(parts: ViewParts): RedisKeyView {
  const { line, news, horizon, prefix, journal, now } = parts;
  const nothing = { epoch: "", stands: new Map(), owed: new Map() };
  const known = knownRevocations(journal?.remembered ?? nothing, now);
  const closed = memoryStore({ now }).keys;
  const closings = openClosings(line, `${prefix}closed`);
  const note = (lines: readonly JournalLine[]): void => {
    try {
      journal?.append(lines);
    } catch {
      // It stands in Redis and here. The file is a copy, and who revokes is told when it fails.
    }
  };
  const handOver = openHandOver({ line, horizon, prefix, known, note, journal });
  const onSynced = (): void => void (known.untold(1).length > 0 && handOver.tryNow());
  const following = follow({ line: news, horizon, prefix, known, closed, note, onSynced });

  const requireFresh = (): void => {
    if (performance.now() - following.knownUntilMs <= STALE_MS) return;
    const cause = following.failure ?? new Error("nothing was heard of Redis for a while");
    throw new AgentKeyError("store_unavailable", { cause });
  };

  return {
    async ready(withinMs) {
      const { promise: late, reject } = Promise.withResolvers<never>();
      const tooLate = (): void => reject(following.failure ?? new Error("no answer in time"));
      const timer = setTimeout(tooLate, withinMs);
      await Promise.race([following.ready, late]).finally(() => clearTimeout(timer));
    },
    close(key) {
      closed.close(key);
      closings.add(key);
    },
    async revoke(revocation) {
      await handOver.delivered("revoke", revocation);
    },
    async restore(selector, iss) {
      const stoodHere = known.index.revocations().length;
      const done = handOver.delivered("restore", { selector, iss, atMs: now() });
      const lifted = stoodHere - known.index.revocations().length;
      return (await done) ? 1 : lifted;
    },
    revocations() {
      requireFresh();
      return known.index.revocations();
    },
    stateOf(facts) {
      // What is refused here is refused everywhere, now or soon.
      const state = known.index.stateOf(facts) === "revoked" ? "revoked" : closed.stateOf(facts);
      if (state === "live") requireFresh();
      return state;
    },
    async end() {
      await Promise.all([closings.flush(), handOver.tryNow()]);
      closings.close();
      handOver.close();
      following.close();
    },
  };
}
