import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { JSONWebKeySet } from "jose";
import type { StoreAt } from "../../stores/store-at.ts";

/** What a broker is opened with. */
export interface Opening {
  readonly issuer: string;
  readonly agent: string;
  readonly jwks: JSONWebKeySet;
  readonly upstream: string;
  readonly secret: string;
  /** 0 for any that is free. */
  readonly port: number;
  readonly audit: string;
  readonly revocationsFile?: string | undefined;
  readonly limits?: Readonly<Record<string, number>>;
  /** Where it is reached, when several stand for one. */
  readonly publicUrl?: string;
  /** Default: its own memory. */
  readonly store?: StoreAt;
  /** As GitHub and OpenAI, instead of tickets. */
  readonly vendors?: boolean;
}

/** What a test asks a broker's process. */
export type Asked =
  | { readonly ask: "open"; readonly opening: Opening }
  | { readonly ask: "heap"; readonly path: string }
  | { readonly ask: "memory" }
  | { readonly ask: "close"; readonly remove?: string };

/** What a broker's process says. */
export type Told =
  | { readonly what: "loaded" | "heap" }
  | { readonly what: "open"; readonly url: string }
  | ({ readonly what: "memory" } & NodeJS.MemoryUsage);

/** A broker's process. */
export interface BrokerProcess {
  readonly pid: number;
  /** Where it listens. */
  open(opening: Opening): Promise<string>;
  /** Writes a heap snapshot. */
  heap(path: string): Promise<void>;
  /** After a garbage collection, where it was started with `--expose-gc`. */
  memory(): Promise<NodeJS.MemoryUsage>;
  /** With -9. Resolves when it is gone. */
  kill(): Promise<void>;
  /** As a stop signal would. Resolves with its exit code. */
  close(): Promise<number | null>;
  readonly dead: boolean;
  /** Everything that it wrote to both outputs, once it has ended. */
  readonly output: Promise<string>;
}

const PROGRAM = fileURLToPath(new URL("./broker-process.ts", import.meta.url));

/** Starts a process that has loaded the broker, and opened none. */
export async function startBroker(execArgv: readonly string[] = []): Promise<BrokerProcess> {
  const child = fork(PROGRAM, [], { execArgv: [...execArgv], silent: true });
  const exited = once(child, "exit") as Promise<[number | null, string | null]>;
  const { pid, stdout, stderr } = child;
  if (pid === undefined || stdout === null || stderr === null) throw new Error("not started");
  const output = Promise.all([text(stdout), text(stderr)]).then((all) => all.join(""));
  const says = async <W extends Told["what"]>(
    what: W,
  ): Promise<Extract<Told, { readonly what: W }>> =>
    (await Promise.race([told(child, what), endedEarly(exited, output)])) as never;
  const ask = (asked: Asked): void => {
    child.send(asked);
  };
  await says("loaded");
  return {
    pid,
    async open(opening) {
      const open = says("open");
      ask({ ask: "open", opening });
      return (await open).url;
    },
    async heap(path) {
      const written = says("heap");
      ask({ ask: "heap", path });
      await written;
    },
    async memory() {
      const memory = says("memory");
      ask({ ask: "memory" });
      return await memory;
    },
    async kill() {
      child.kill("SIGKILL");
      const [code, signal] = await exited;
      if (signal !== "SIGKILL") throw new Error(`ended by itself, with ${code}: ${await output}`);
    },
    async close() {
      ask({ ask: "close" });
      return (await exited)[0];
    },
    get dead() {
      return child.signalCode !== null || child.exitCode !== null || child.killed;
    },
    output,
  };
}

function told(child: ChildProcess, what: Told["what"]): Promise<Told> {
  return new Promise((resolve) => {
    const hear = (message: Told): void => {
      if (message.what !== what) return;
      child.off("message", hear);
      resolve(message);
    };
    child.on("message", hear);
  });
}

async function endedEarly(
  exited: Promise<[number | null, string | null]>,
  output: Promise<string>,
): Promise<never> {
  const [code, signal] = await exited;
  throw new Error(`a broker ended, with ${code ?? signal}: ${await output}`);
}
