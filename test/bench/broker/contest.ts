import { type Child } from "./child.ts";
import { type Contestant, type Field, type Name, only, TITLES } from "./contestants.ts";
import { interleave, median, perRound, type Plan, quantile } from "../rounds.ts";
import type { Batch, Kind } from "./workload.ts";

/** How one contestant did, medians over the rounds. */
export interface Standing {
  readonly who: string;
  /** Of the rounds' own ratios to the bare proxy; `undefined` where there is none. */
  readonly rateRatio: number | undefined;
  readonly processorRatio: number | undefined;
  readonly perSecond: number | undefined;
  /** A request, or a piece of a stream. */
  readonly processorMicros: number | undefined;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Several who did the same. */
export interface Contest {
  readonly what: string;
  readonly standings: readonly Standing[];
}

/** What each round measured of one contestant. */
export interface Course {
  readonly perSecond: readonly number[];
  readonly processorMicros: readonly number[];
  readonly p50Ms: readonly number[];
  readonly p99Ms: readonly number[];
}

export type Courses = ReadonlyMap<Name, Course>;

/** What everybody has to do. */
export interface Task {
  readonly what: string;
  readonly kind: Kind;
  readonly requests: number;
  readonly atOnce: number;
  /** Operations in a request: the pieces of a stream. */
  readonly operations?: number;
  /** Default: everybody. */
  readonly names?: readonly Name[];
}

/** Everybody does the same in every round, in turn. */
export async function hold({ load, contestants }: Field, task: Task, plan: Plan): Promise<Courses> {
  const names = (Object.keys(contestants) as Name[]).filter(
    (name) => task.names?.includes(name) !== false,
  );
  const laps = new Map<Name, Lap[]>(names.map((name) => [name, []]));
  const samplers = Object.fromEntries(
    names.map((name) => [
      name,
      async () => {
        const contestant = contestants[name];
        if (contestant === undefined) return Number.NaN;
        const lap = await runLap(load, contestant, task);
        laps.get(name)?.push(lap);
        return lap.processorMicros;
      },
    ]),
  );
  await interleave(samplers, plan);
  return new Map(
    names.map((name) => {
      const counted = (laps.get(name) ?? []).slice(-plan.rounds);
      const course = {
        perSecond: counted.map((lap) => lap.perSecond),
        processorMicros: counted.map((lap) => lap.processorMicros),
        p50Ms: counted.map((lap) => lap.p50Ms),
        p99Ms: counted.map((lap) => lap.p99Ms),
      };
      return [name, course];
    }),
  );
}

interface Lap {
  readonly perSecond: number;
  readonly processorMicros: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

async function runLap(
  load: Child,
  contestant: Contestant,
  { kind, requests, atOnce, operations = 1 }: Task,
): Promise<Lap> {
  const { processorMicros } = contestant;
  const batch: Batch = { ...only(contestant), kind, requests, atOnce };
  await load.ask("prepare", batch);
  const before = await processorMicros?.();
  const { seconds, latenciesMs } = await load.ask<{ seconds: number; latenciesMs: number[] }>(
    "run",
  );
  const after = await processorMicros?.();
  const micros = ((after ?? Number.NaN) - (before ?? 0)) / (requests * operations);
  return {
    perSecond: (requests * operations) / seconds,
    processorMicros: micros,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
  };
}

/** The courses as a table, held against the bare proxy's. */
export function contest({ what, kind }: Task, courses: Courses): Contest {
  const bare = courses.get("bare");
  // A stream comes as fast as its upstream writes it.
  const rated = kind !== "stream";
  const standings = [...courses].map(([name, course]): Standing => {
    const against = (of: "perSecond" | "processorMicros"): number | undefined =>
      known(median(perRound(course[of], bare?.[of] ?? [], (a, b) => a / b)));
    return {
      who: TITLES[name],
      rateRatio: rated ? against("perSecond") : undefined,
      processorRatio: against("processorMicros"),
      perSecond: rated ? median(course.perSecond) : undefined,
      processorMicros: known(median(course.processorMicros)),
      p50Ms: median(course.p50Ms),
      p99Ms: median(course.p99Ms),
    };
  });
  return { what, standings };
}

function known(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value;
}
