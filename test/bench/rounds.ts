/** Runs one batch and says what one operation of it cost. */
export type Sampler = () => number | Promise<number>;

/** How often everything is measured. */
export interface Plan {
  readonly rounds: number;
  /** Rounds before the first that counts, for the compiler's sake. */
  readonly warmUp: number;
}

/** What each round measured, by the sampler's name. */
export type Samples<N extends string> = Readonly<Record<N, readonly number[]>>;

/**
 * Measures all samplers in every round, so that a machine that slows down slows down all of them.
 * Each round begins with another one.
 */
export async function interleave<N extends string>(
  samplers: Readonly<Record<N, Sampler>>,
  { rounds, warmUp }: Plan,
): Promise<Samples<N>> {
  const names = Object.keys(samplers) as N[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as number[]])) as {
    [K in N]: number[];
  };
  for (let round = -warmUp; round < rounds; round += 1) {
    const first = (round + warmUp) % names.length;
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      const cost = await samplers[name]();
      if (round >= 0) samples[name].push(cost);
    }
  }
  return samples;
}

/** Microseconds since some moment. */
export type Stopwatch = () => number;

/** What a user waits for. */
export const wallClock: Stopwatch = () => performance.now() * 1000;

/**
 * Processor time of the main thread, for work that is all done there: what other programs do on the
 * machine does not count. Linux brings it up to date every 4 ms or so, so a batch has to be long.
 */
export const threadClock: Stopwatch = () => {
  const { user, system } = process.threadCpuUsage();
  return user + system;
};

/** What a call of a synchronous function costs. */
export function costOf(clock: Stopwatch, calls: number, run: (call: number) => void): number {
  const start = clock();
  for (let call = 0; call < calls; call += 1) run(call);
  return (clock() - start) / calls;
}

/** What a call of an asynchronous function costs, one after the other. */
export async function costOfAwaited(
  clock: Stopwatch,
  calls: number,
  run: (call: number) => Promise<unknown>,
): Promise<number> {
  const start = clock();
  for (let call = 0; call < calls; call += 1) await run(call);
  return (clock() - start) / calls;
}

/** What each round makes of two measurements. */
export function perRound(
  a: readonly number[],
  b: readonly number[],
  combine: (a: number, b: number) => number,
): readonly number[] {
  return a.map((value, round) => combine(value, b[round] ?? Number.NaN));
}

/** The value that a share of the others is not above: 0.5 for the median. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

/** The middle value. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
