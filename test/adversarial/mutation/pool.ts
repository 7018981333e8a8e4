import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Outcome } from "./collect.ts";
import type { Job } from "./executor.ts";

/** How the tests went, or that they did not end. */
type Result = Outcome | "hangs";

/** A process that runs tests, replaced when it hangs and, since modules are never unloaded, when old. */
export interface Executor {
  run(job: Job, patienceMs: number): Promise<Result>;
  close(): void;
}

const JOBS_A_PROCESS = 250;

export function openExecutor(): Executor {
  let child: ChildProcess | undefined;
  let jobs = 0;
  const close = (): void => {
    child?.kill("SIGKILL");
    child = undefined;
    jobs = 0;
  };
  return {
    close,
    async run(job, patienceMs) {
      if (jobs >= JOBS_A_PROCESS) close();
      child ??= start();
      jobs += 1;
      const result = await answer(child, job, patienceMs);
      if (result === "hangs") close();
      return result;
    },
  };
}

function start(): ChildProcess {
  const execArgv = ["--conditions=@agent-keys/source", "--disable-warning=ExperimentalWarning"];
  const path = fileURLToPath(new URL("executor.ts", import.meta.url));
  // What the tests print is of no interest, a thousand times over.
  return fork(path, { execArgv, stdio: ["ignore", "ignore", "ignore", "ipc"] });
}

function answer(child: ChildProcess, job: Job, patienceMs: number): Promise<Result> {
  return new Promise((resolve) => {
    const settle = (result: Result): void => {
      clearTimeout(timer);
      child.removeAllListeners();
      resolve(result);
    };
    const timer = setTimeout(() => settle("hangs"), patienceMs);
    child.once("message", (outcome: Outcome) => settle(outcome));
    // Out of memory, most likely: the process is gone, and with it whatever the mutant did.
    child.once("exit", () => settle("hangs"));
    child.send(job);
  });
}
