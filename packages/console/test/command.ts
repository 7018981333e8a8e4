import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../src/run.ts";

const BIN = fileURLToPath(new URL("../src/bin.ts", import.meta.url));
const NODE = ["--conditions=@agent-keys/source", BIN];

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Surroundings {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
}

/** What this process was started with must not colour what is tested. */
export function environment(env: Record<string, string> = {}): NodeJS.ProcessEnv {
  const { NO_COLOR: _, FORCE_COLOR: __, COLUMNS: ___, ...rest } = process.env;
  return { ...rest, ...env };
}

/** Runs the real command. */
export function agentKeys(args: readonly string[], { cwd, env }: Surroundings = {}): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...NODE, ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: environment(env),
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

/** How a command that was started ended. */
export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Starts the real command, and reads what it says line by line. */
export function startAgentKeys(
  args: readonly string[],
  { cwd, env }: Surroundings = {},
): AsyncDisposable & {
  /** The next line on stdout. */
  line(): Promise<string>;
  /** Resolves with all that stderr said, when that has this in it. */
  said(text: string): Promise<string>;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<Ended>;
} {
  const child = spawn(process.execPath, [...NODE, ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: environment(env),
  });
  let out = "";
  let err = "";
  let isOver = false;
  let wake = (): void => undefined;
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (status, signal) => {
      isOver = true;
      wake();
      resolve({ status, signal });
    });
  });
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    wake();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
    wake();
  });
  const until = async <T>(look: () => T | undefined): Promise<T> => {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (isOver) throw new Error(`the command ended before that, saying: ${err}`);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return {
    line: () =>
      until(() => {
        const end = out.indexOf("\n");
        if (end < 0) return undefined;
        const line = out.slice(0, end);
        out = out.slice(end + 1);
        return line;
      }),
    said: (text) => until(() => (err.includes(text) ? err : undefined)),
    kill: (signal) => void child.kill(signal),
    ended,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

interface HereOptions {
  readonly columns?: number;
  readonly env?: Record<string, string>;
  readonly isTerminal?: boolean;
  readonly nowMs?: number;
  readonly signal?: AbortSignal;
}

/** Runs the command in this process, which is quicker. */
export async function runHere(
  args: readonly string[],
  {
    columns = Infinity,
    env = {},
    isTerminal = false,
    nowMs = Date.now(),
    signal,
  }: HereOptions = {},
): Promise<Ran> {
  let stdout = "";
  let stderr = "";
  const status = await run(args, {
    out: (text) => {
      stdout += text;
    },
    err: (text) => {
      stderr += text;
    },
    columns,
    isTerminal,
    env,
    now: () => nowMs,
    signal,
  });
  return { status, stdout, stderr };
}

/** A directory that goes when the test does. */
export function temporaryDirectory(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "agent-keys-console-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Every value of a JSON Lines output. */
export function jsonLines<T>({ stdout }: Ran): T[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);
}
