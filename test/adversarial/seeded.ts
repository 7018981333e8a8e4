/** A generator of choices that gives the same ones for the same seed. */
export interface Seeded {
  readonly seed: number;
  /** At least 0, below 1. */
  readonly next: () => number;
  /** Whole, at least 0, below `end`. */
  readonly below: (end: number) => number;
  readonly chance: (share: number) => boolean;
  readonly pick: <T>(list: readonly [T, ...T[]] | readonly T[]) => T;
}

/**
 * Opens a generator and prints its seed. The seed is fixed, so that a failure is the same for
 * everybody; `AGENT_KEYS_SEED=<number>` tries another.
 */
export function seeded(suite: string, fixed: number): Seeded {
  const seed = Number(process.env["AGENT_KEYS_SEED"] ?? fixed);
  if (!Number.isSafeInteger(seed)) throw new TypeError("AGENT_KEYS_SEED: must be a whole number");
  console.log(`${suite}: seed ${seed} (AGENT_KEYS_SEED=${seed} repeats it)`);
  const next = mulberry32(seed);
  const below = (end: number): number => Math.floor(next() * end);
  return {
    seed,
    next,
    below,
    chance: (share) => next() < share,
    pick<T>(list: readonly T[]): T {
      if (list.length === 0) throw new RangeError("nothing to pick from");
      return list[below(list.length)] as T;
    },
  };
}

function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
