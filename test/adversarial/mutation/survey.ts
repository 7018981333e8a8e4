import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Job } from "./executor.ts";
import { type Mutant, mutantsOf } from "./mutants.ts";
import { type Executor, openExecutor } from "./pool.ts";
import type { Target } from "./targets.ts";

/** What became of one mutant. */
export interface Fate {
  /** Its source and its id: how `equivalent.ts` names it. */
  readonly name: string;
  readonly line: number;
  /** A mutant under which the tests do not end is killed as well. */
  readonly fate: "killed" | "hangs" | "survived";
}

/** Where the targets are, and which of their mutants are tried, how. */
export interface Plan {
  /** The directory that sources and tests are named from. */
  readonly root: URL;
  readonly processes: number;
  /** Whether a mutant is tried. Default: all are. */
  readonly chosen?: (name: string) => boolean;
  /** How much longer than without a mutant the tests may take. Default 10 seconds. */
  readonly patienceMs?: number;
  readonly onFate?: (fate: Fate) => void;
}

/** How often longer than without a mutant the tests may take, besides. */
const PATIENCE_TIMES = 5;

interface Planned {
  readonly name: string;
  readonly mutant: Mutant;
  readonly job: Job;
  readonly patienceMs: number;
}

/** The names of every mutant there is. */
export function allMutants(targets: readonly Target[], root: URL): readonly string[] {
  return targets.flatMap((target) => mutants(target, root).map(({ name }) => name));
}

/**
 * Runs the tests of each target against each of its mutants.
 *
 * @throws Error when the tests fail without a mutant: then nothing they say of one counts.
 */
export async function survey(targets: readonly Target[], plan: Plan): Promise<readonly Fate[]> {
  const { root, chosen = () => true, patienceMs: leastMs = 10_000 } = plan;
  const fates: Fate[] = [];
  const waiting = [...targets];
  const planned: Planned[] = [];
  await each(plan.processes, async (executor) => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
      const job = await unharmed(executor, jobOf(target, root));
      const sumMs = Object.values(job.tookMs).reduce((sum, ms) => sum + ms, 0);
      const patienceMs = leastMs + PATIENCE_TIMES * sumMs;
      for (const { name, mutant } of mutants(target, root).filter((one) => chosen(one.name))) {
        planned.push({ name, mutant, job, patienceMs });
      }
    }
  });
  await each(plan.processes, async (executor) => {
    for (let next = planned.shift(); next !== undefined; next = planned.shift()) {
      const { name, mutant, job, patienceMs } = next;
      const result = await executor.run({ ...job, text: mutant.text }, patienceMs);
      const ended = result === "hangs" ? "hangs" : "killed";
      const survived = result !== "hangs" && result.failed === undefined;
      const fate: Fate = { name, line: mutant.line, fate: survived ? "survived" : ended };
      fates.push(fate);
      plan.onFate?.(fate);
    }
  });
  return fates;
}

async function each(processes: number, work: (executor: Executor) => Promise<void>): Promise<void> {
  const one = async (): Promise<void> => {
    const executor = openExecutor();
    try {
      await work(executor);
    } finally {
      executor.close();
    }
  };
  await Promise.all(Array.from({ length: processes }, one));
}

function pathOf(file: string, root: URL): string {
  return fileURLToPath(new URL(file, root));
}

function mutants({ source, wording }: Target, root: URL) {
  const text = readFileSync(pathOf(`${source}.ts`, root), "utf8");
  return mutantsOf(`${source}.ts`, text, wording).map((mutant) => ({
    name: `${source} ${mutant.id}`,
    mutant,
  }));
}

function jobOf({ source, tests = [source] }: Target, root: URL): Job {
  const path = pathOf(`${source}.ts`, root);
  return {
    source: path,
    tests: tests.map((test) => pathOf(`${test}.test.ts`, root)),
    text: readFileSync(path, "utf8"),
    tookMs: {},
  };
}

/** Runs the tests as they are, then the shortest first as they will run, and notes how long they take. */
async function unharmed(executor: Executor, job: Job): Promise<Job> {
  let tookMs: Job["tookMs"] = {};
  for (const round of ["as they are", "the shortest first"]) {
    const result = await executor.run({ ...job, tookMs }, 120_000);
    const ran = result === "hangs" ? 0 : Object.keys(result.tookMs).length;
    if (result === "hangs" || result.failed !== undefined || ran === 0) {
      const how = result === "hangs" ? "hang" : (result.failed ?? "are none");
      throw new Error(`${job.source}: without a mutant, ${round}, the tests: ${how}`);
    }
    ({ tookMs } = result);
  }
  return { ...job, tookMs };
}
