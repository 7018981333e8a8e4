import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** A process of its own that answers questions. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** Rejects when it fails to answer, or ends before it has. */
  ask<T>(question: string, about?: unknown): Promise<T>;
  /** User and system time of all its threads. */
  readonly processorMicros: () => Promise<number>;
}

/** What a child answers. */
export interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/**
 * Starts a script of `processes/`.
 *
 * @param flags - For Node itself.
 */
export function startChild(script: string, flags: readonly string[] = []): Child {
  const process = fork(join(import.meta.dirname, "processes", script), {
    execArgv: [...flags],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let asked = 0;
  process.on("message", ({ id, value, error }: Reply) => {
    const { resolve, reject } = waiting.get(id) ?? Promise.withResolvers<unknown>();
    waiting.delete(id);
    if (error === undefined) resolve(value);
    else reject(new Error(`${script}: ${error}`));
  });
  process.on("exit", (status, signal) => {
    const gone = new Error(`${script} ended: ${signal ?? status}`);
    for (const { reject } of waiting.values()) reject(gone);
    waiting.clear();
  });
  const ask = async <T>(question: string, about?: unknown): Promise<T> => {
    const answer = Promise.withResolvers<unknown>();
    waiting.set(asked, answer);
    process.send({ id: asked, question, about });
    asked += 1;
    return (await answer.promise) as T;
  };
  return {
    pid: process.pid ?? 0,
    ask,
    processorMicros: () => ask<number>("processorMicros"),
    [Symbol.asyncDispose]: () => end(process),
  };
}

async function end(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  const ended = once(process, "exit");
  // On its own: it may have a process to end.
  process.disconnect();
  await ended;
}
