/** The smallest value that so large a share of them does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? Number.NaN;
}

export function histogram(values: readonly number[]): string {
  const shares = [0.5, 0.9, 0.99, 1].map((share) => quantile(values, share).toFixed(1));
  return `p50 ${shares[0]}, p90 ${shares[1]}, p99 ${shares[2]}, most ${shares[3]} (${values.length})`;
}
