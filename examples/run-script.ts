import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

/** What a script left behind. */
export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts a command of these tests: at the root of the repository, and never with a real model. */
export function start(
  command: string,
  args: readonly string[],
  { cwd = root, env = {} }: { cwd?: string; env?: Record<string, string> } = {},
): ChildProcess {
  const { OPENAI_API_KEY: _, ...own } = process.env;
  return spawn(command, args, { cwd, env: { ...own, NO_COLOR: "1", ...env } });
}

/** Resolves when a process, and everything that writes to its output, has ended. */
export async function ended(child: ChildProcess): Promise<Ran> {
  const [stdout, stderr, [code, signal]] = await Promise.all([
    child.stdout === null ? "" : text(child.stdout),
    child.stderr === null ? "" : text(child.stderr),
    once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  return { code, signal, stdout, stderr };
}

/** Node, and the arguments that run a file of this folder on the packages' sources. */
export function onSources(file: string): [string, string[]] {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return [process.execPath, ["--conditions=@agent-keys/source", path]];
}

const root = fileURLToPath(new URL("..", import.meta.url));
