import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import { once } from "node:events";

/** A server that a test started, and that ends with it. */
export interface OwnProcess {
  readonly pid: number;
  /** What it has printed so far: for the message of a test that fails. */
  readonly output: string;
  /** Resolves once it has ended, however. */
  readonly ended: Promise<void>;
  /** By its id: nothing else is touched. Resolves once it has ended. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Sends a signal that it survives, such as SIGSTOP or SIGCONT. */
  send(signal: NodeJS.Signals): void;
}

/** The last of what a server prints is enough to say why it would not start. */
const OUTPUT_CHARACTERS = 20_000;

/** Starts a program that ends when this process does, also when this one is killed by an exception. */
export function startProcess(
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): OwnProcess {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const note = (chunk: Buffer): void => {
    output = `${output}${chunk.toString("utf8")}`.slice(-OUTPUT_CHARACTERS);
  };
  child.stdout?.on("data", note);
  child.stderr?.on("data", note);
  const last = (): void => void child.kill("SIGKILL");
  process.once("exit", last);
  const ended = endOf(child).then((why) => {
    process.off("exit", last);
    output += why;
  });
  return {
    get pid() {
      return child.pid ?? 0;
    },
    get output() {
      return output;
    },
    ended,
    async kill(signal) {
      // One that was stopped does not hear the signal before it goes on.
      if (signal !== "SIGKILL") child.kill("SIGCONT");
      child.kill(signal);
      await ended;
    },
    send: (signal) => void child.kill(signal),
  };
}

async function endOf(child: ChildProcess): Promise<string> {
  try {
    await once(child, "exit");
    return `\nended: ${child.exitCode ?? child.signalCode}`;
  } catch (error) {
    return `\nnot started: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Asks until the answer is yes. @throws Error with what the server printed, once it ended or took too long. */
export async function until(
  ready: () => boolean | Promise<boolean>,
  server: OwnProcess,
  patienceMs = 20_000,
): Promise<void> {
  const deadlineMs = Date.now() + patienceMs;
  let over = false;
  void server.ended.then(() => {
    over = true;
  });
  while (!(await ready())) {
    if (over || Date.now() > deadlineMs) throw new Error(`server not ready: ${server.output}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
