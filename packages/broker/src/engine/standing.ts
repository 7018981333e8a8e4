import type { RevocationSelector, Store } from "@agent-keys/core";
import type { Clock } from "@agent-keys/core/enforce";

/** How many revocations of each issuer stand, so that one of them does not fill up everybody's memory. */
export interface Standing {
  /** Whether these may stand beside those that do. They are counted then. */
  take(iss: string, selectors: readonly RevocationSelector[]): boolean;
  /** Something of the issuer's was lifted: there may be room again. */
  lifted(iss: string): void;
}

interface Count {
  /** At least as many as stand: what expires, or is revoked twice, is not taken off. */
  atMost: number;
  /** When it was last found that there is no room, on the monotonic clock. */
  fullAtMs: number;
}

const RECOUNT_MS = 1_000;

/** @param most - Of one issuer. */
export function countStanding(
  keys: Pick<Store["keys"], "revocations">,
  most: number,
  monotonicMs: Clock = () => performance.now(),
): Standing {
  const counts = new Map<string, Count>();

  const standing = (iss: string): ReadonlySet<string> => {
    const own = keys.revocations().filter((revocation) => revocation.iss === iss);
    return new Set(own.map(({ selector }) => JSON.stringify(selector)));
  };

  return {
    take(iss, selectors) {
      if (selectors.length === 0) return true;
      const count = counts.get(iss) ?? { atMost: Infinity, fullAtMs: -Infinity };
      counts.set(iss, count);
      if (count.atMost + selectors.length > most) {
        // To count takes as long as there are many, so not for every notice of who is at the limit.
        if (monotonicMs() - count.fullAtMs < RECOUNT_MS) return false;
        const before = standing(iss);
        const added = new Set(selectors.map((selector) => JSON.stringify(selector)));
        count.atMost = before.size;
        if (new Set([...before, ...added]).size > most) {
          count.fullAtMs = monotonicMs();
          return false;
        }
      }
      count.atMost += selectors.length;
      return true;
    },
    lifted(iss) {
      const count = counts.get(iss);
      if (count !== undefined) count.fullAtMs = -Infinity;
    },
  };
}
