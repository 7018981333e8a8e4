import { type Grant, isNarrower } from "./grant.ts";

/**
 * Where the uses of each grant of a key are counted: the index of the first grant that it shares a
 * counter with, or its own. One limit, of what was asked or of a rule, may be cut into several
 * grants, one for each rule; where together they would come to more uses than that limit, they share a
 * counter, on which each still keeps its own. Pure and total.
 *
 * @param limits - What the grants were cut from. Those without `uses` limit nothing.
 * @param shared - Where the uses of each are counted before that. Default: each on its own counter.
 */
export function countersOf(
  grants: readonly Grant[],
  limits: readonly Grant[],
  shared: readonly number[] = grants.map((_, index) => index),
): readonly number[] {
  const counters = [...shared];
  if (grants.length < 2) return counters;
  for (const limit of limits) {
    if (limit.uses === undefined) continue;
    const cut = grants.flatMap((grant, index) => (isNarrower(grant, limit) ? [index] : []));
    // On one counter, a grant is used only while the count is below its own limit: the highest holds.
    const most = new Map<number, number>();
    for (const index of cut) {
      const counter = counters[index] ?? index;
      most.set(counter, Math.max(most.get(counter) ?? 0, grants[index]?.uses ?? Infinity));
    }
    const total = [...most.values()].reduce((sum, uses) => sum + uses, 0);
    if (total > limit.uses) share(counters, new Set(most.keys()));
  }
  return counters;
}

function share(counters: number[], shared: ReadonlySet<number>): void {
  const first = Math.min(...shared);
  for (const [index, counter] of counters.entries()) {
    if (shared.has(counter)) counters[index] = first;
  }
}
