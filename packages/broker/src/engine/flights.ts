import type { Clock } from "@agent-keys/core/enforce";
import { asRefused, Refused } from "./refusal.ts";
import type { VerifiedKey, Verifier } from "./verifier.ts";

/** A request whose answer is under way, or whose body is read before it is decided on. */
interface Flight {
  /** Its place in the list: the list's own. */
  place: number;
  readonly key: VerifiedKey;
  /** When it must have ended, on the monotonic clock. */
  readonly deadlineMs: number;
  cut(why: Refused): void;
}

/**
 * The requests under way, each looked at again and again: one whose key was revoked, closed, or has
 * expired, or of which that cannot be known, is broken off, and so is one that takes too long.
 */
export interface Flights {
  add(flight: Flight): void;
  delete(flight: Flight): void;
  /** Looks at all of them now. */
  sweep(): void;
  cutAll(why: Refused): void;
  /** Resolves when none is left. */
  empty(): Promise<void>;
  readonly size: number;
}

const SWEEP_MS = 250;

export function openFlights(
  verifier: Pick<Verifier, "requireLive">,
  monotonicMs: Clock = () => performance.now(),
): Flights {
  // Not a Set: the tables that a Set leaves behind as it changes hold on to what was in them, and to each
  // other, so that a garbage collection of the young finds nothing to collect.
  const flights: Flight[] = [];
  let timer: NodeJS.Timeout | undefined;
  let waiting: (() => void)[] = [];

  const stop = (flight: Flight): Refused | undefined => {
    if (monotonicMs() >= flight.deadlineMs) return TOO_LONG;
    try {
      verifier.requireLive(flight.key);
      return undefined;
    } catch (error) {
      return asRefused(error, "key");
    }
  };
  const sweep = (): void => {
    for (const flight of flights.slice()) {
      const why = stop(flight);
      if (why !== undefined) flight.cut(why);
    }
  };

  return {
    add(flight) {
      flight.place = flights.push(flight) - 1;
      // One timer for all: a timer a request would cost more than what it looks at.
      timer ??= setInterval(sweep, SWEEP_MS).unref();
    },
    delete(flight) {
      const last = flights.pop();
      if (last !== undefined && last !== flight) {
        flights[flight.place] = last;
        last.place = flight.place;
      }
      if (flights.length > 0) return;
      clearInterval(timer);
      timer = undefined;
      for (const done of waiting) done();
      waiting = [];
    },
    sweep,
    cutAll(why) {
      for (const flight of flights.slice()) flight.cut(why);
    },
    empty() {
      if (flights.length === 0) return Promise.resolve();
      return new Promise((resolve) => waiting.push(resolve));
    },
    get size() {
      return flights.length;
    },
  };
}

const TOO_LONG = new Refused("upstream_unavailable", "time", {
  detail: "took longer than totalMs",
  status: 504,
});
