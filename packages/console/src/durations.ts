/** How long things took, kept in as little memory for a million of them as for a thousand. */
export interface Durations {
  add(ms: number): void;
  /**
   * The one that so many of 100 stay within (nearest rank): one that occurred, at most 1% above the exact
   * one. `null` when there is none.
   */
  percentile(percent: number): number | null;
}

/** Durations that differ by less share a place. */
const STEP = Math.log(1.01);

interface Place {
  count: number;
  /** The longest there. */
  ms: number;
}

/** None yet. */
export function durations(): Durations {
  const places = new Map<number, Place>();
  let count = 0;
  return {
    add(ms) {
      const at = ms > 0 ? Math.floor(Math.log(ms) / STEP) : -Infinity;
      const place = places.get(at);
      if (place === undefined) places.set(at, { count: 1, ms });
      else {
        place.count += 1;
        place.ms = Math.max(place.ms, ms);
      }
      count += 1;
    },
    percentile(percent) {
      let left = Math.ceil((count * percent) / 100);
      for (const place of Array.from(places.values()).toSorted((a, b) => a.ms - b.ms)) {
        left -= place.count;
        if (left <= 0) return place.ms;
      }
      return null;
    },
  };
}
