import { type Bench, type Benchmark, compare, type Row } from "../result.ts";
import type { Plan } from "../rounds.ts";
import { contest, type Course, type Courses, hold, type Task } from "./contest.ts";
import { type Contestant, type Field, type Name, only, openField } from "./contestants.ts";
import { type Batch, PIECES } from "./workload.ts";

/** (g) What the broker costs, beside proxies that check nothing. */
export const enforcing: Benchmark = {
  id: "g",
  title: "Requests through the broker",
  means: [
    "everybody is a process of its own, and so are the upstream and who asks; RATE and CPU are ratios " +
      "to the bare proxy; CPU is processor time of the proxy's process, all threads",
    "bare proxy: node:http and undici's Pool.dispatch, no checks; 2 lines: a chained audit line " +
      "before and after, as the broker writes them; verify: one bare Ed25519 verify of the key",
    "below: ours is the broker, the floor is what each row names",
  ],
  async run(bench) {
    await using field = await openField(bench.directory);
    const plan: Plan = { rounds: Math.min(bench.rounds, MOST_ROUNDS), warmUp: bench.quick ? 1 : 8 };
    const courses = new Map<Task, Courses>();
    for (const task of TASKS) {
      const asked = bench.quick ? { ...task, requests: Math.ceil(task.requests / 20) } : task;
      const measured = await hold(field, asked, plan);
      courses.set(task, measured);
      bench.tell(contest(task, measured));
    }
    const of = (task: Task, name: Name): Course => courses.get(task)?.get(name) ?? NOTHING;
    return [
      ...rows(of),
      await streamsHeld(field, "bare", bench),
      await streamsHeld(field, "brokerOne", bench),
      ...(await memory(field, bench)),
    ];
  },
};

const MOST_ROUNDS = 11;

const GET: Task = { what: "GET, 32 at once", kind: "get", requests: 600, atOnce: 32 };
const GET_ALONE: Task = { what: "GET, one at a time", kind: "get", requests: 150, atOnce: 1 };
const POST: Task = {
  what: "POST of 1 KiB, its body constrained at the broker; 32 at once",
  kind: "post",
  requests: 400,
  atOnce: 32,
};
const DOWNLOAD: Task = {
  what: "Download of 1 MB, 8 at once",
  kind: "download",
  requests: 24,
  atOnce: 8,
};
const STREAM: Task = {
  what: "SSE, a piece every 3 ms: P50 and P99 are a piece's way, CPU is for a piece",
  kind: "stream",
  requests: 2,
  atOnce: 1,
  operations: PIECES,
};
const TASKS: readonly Task[] = [GET, GET_ALONE, POST, DOWNLOAD, STREAM];

const NOTHING: Course = { perSecond: [], processorMicros: [], p50Ms: [], p99Ms: [] };

function rows(of: (task: Task, name: Name) => Course): readonly Row[] {
  const rate = (task: Task, floor: Name, atLeast: number | undefined, what: string): Row =>
    compare(
      what,
      { unit: "/s", target: atLeast === undefined ? undefined : { of: "ratio", atLeast } },
      of(task, "brokerOne").perSecond,
      of(task, floor).perSecond,
    );
  const cpu = (ours: Name, floor: Name, what: string, most?: number): Row =>
    compare(
      what,
      { target: most === undefined ? undefined : { of: "ratio", atMost: most } },
      of(GET, ours).processorMicros,
      of(GET, floor).processorMicros,
    );
  const wait = (task: Task, what: string): Row =>
    compare(
      what,
      { unit: "ms", target: { of: "difference", atMost: 0.3 } },
      of(task, "brokerOne").p50Ms,
      of(task, "bare").p50Ms,
    );
  return [
    rate(GET, "bareLines", 0.8, "GET: bare, 2 lines"),
    cpu("brokerOne", "bareLines", "its CPU: bare, 2 lines"),
    cpu("brokerFresh", "bareVerifyLines", "fresh, CPU: verify + lines", 1.3),
    rate(GET, "httpProxy", 1, "GET: http-proxy-3"),
    rate(POST, "bareLines", undefined, "POST: bare, 2 lines"),
    rate(DOWNLOAD, "bareLines", undefined, "1 MB: bare, 2 lines"),
    wait(GET_ALONE, "GET alone, p50: bare"),
    wait(STREAM, "SSE piece, p50: bare"),
  ];
}

const STREAMS = 1000;
const TICKS = 5;

/** Streams that are open at the same time, and whether a piece reaches all of them. */
async function streamsHeld(
  { load, upstream, contestants }: Field,
  name: Name,
  { quick }: Bench,
): Promise<Row> {
  const wanted = quick ? STREAMS / 10 : STREAMS;
  const batch = batchOf(contestants[name], wanted);
  await load.ask("hold", batch);
  const came: number[] = [];
  for (let tick = 0; tick < (quick ? 3 : TICKS); tick += 1) {
    await upstream.ask("tick");
    came.push((await load.ask<{ came: number }>("awaitPieces")).came);
  }
  await load.ask("letGo");
  const who = name === "bare" ? "bare" : "broker";
  const target = { of: "ratio", atLeast: 1 } as const;
  return compare(
    `SSE streams held, ${who}`,
    { unit: "open", target },
    came,
    came.map(() => wanted),
  );
}

interface Memory {
  readonly rss: number;
  readonly heap: number;
}

const SOAK = 100_000;

/** What the broker takes after some 100,000 requests, and after as many again. */
async function memory(
  { load, broker, contestants }: Field,
  { quick }: Bench,
): Promise<readonly Row[]> {
  const requests = quick ? SOAK / 100 : SOAK;
  const batch = batchOf(contestants.brokerOne, requests);
  await load.ask("soak", batch);
  const floor = await broker.ask<Memory>("memory");
  await load.ask("soak", batch);
  const ours = await broker.ask<Memory>("memory");
  const options = { unit: "MiB", target: { of: "ratio", atMost: 1.1 } } as const;
  return [
    compare("RSS, 200,000: 100,000", options, [ours.rss], [floor.rss]),
    compare("heap, 200,000: 100,000", options, [ours.heap], [floor.heap]),
  ];
}

function batchOf(contestant: Contestant | undefined, requests: number): Batch {
  if (contestant === undefined) throw new Error("a contestant is missing");
  return { ...only(contestant), kind: "get", requests, atOnce: 32 };
}
