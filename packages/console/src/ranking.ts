/** The order of two names, the same on every machine. */
export function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Codes and how often each came, most often first. */
export function mostOften(
  codes: ReadonlyMap<string, number>,
): readonly { readonly code: string; readonly count: number }[] {
  return Array.from(codes, ([code, count]) => ({ code, count })).toSorted(
    (a, b) => b.count - a.count || compare(a.code, b.code),
  );
}
