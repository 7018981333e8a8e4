import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram } from "./find-program.ts";
import { freePort } from "./free-port.ts";
import { type OwnProcess, startProcess, until } from "./own-process.ts";

const PROGRAM = findProgram(["redis-server", "valkey-server"]);

/** Why tests that need Redis are skipped; undefined where they run. */
export const redisMissing: string | undefined =
  PROGRAM === undefined
    ? "skipped: no redis-server or valkey-server on this machine (Debian: apt install redis-server)"
    : undefined;

/** A Redis of a test's own, in a directory of its own, on loopback. */
export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Where it keeps its files. */
  readonly directory: string;
  readonly process: OwnProcess;
  /** Ends it at once, as a crash would. */
  crash(): Promise<void>;
  /** Starts it again, with the same port and files. */
  start(): Promise<void>;
  /** One command, for a test to look inside. */
  command(...words: readonly string[]): Promise<string>;
}

/**
 * Starts one. It keeps nothing unless `args` say so.
 *
 * @param args - More of redis-server's options: `["--appendonly", "yes"]`.
 */
export async function startRedis(args: readonly string[] = []): Promise<RedisServer> {
  if (PROGRAM === undefined) throw new Error(redisMissing);
  const program = PROGRAM;
  const directory = mkdtempSync(join(tmpdir(), "agent-keys-redis-"));
  const port = await freePort();
  const all = [
    "--port",
    `${port}`,
    "--bind",
    "127.0.0.1",
    "--dir",
    directory,
    "--save",
    "",
    ...args,
  ];
  let running: OwnProcess | undefined;
  const start = async (): Promise<void> => {
    const server = startProcess(program, all);
    running = server;
    await until(async () => (await ask(port, ["PING"]).catch(() => "")).includes("PONG"), server);
  };
  await start();
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    directory,
    get process() {
      if (running === undefined) throw new Error("it was never started");
      return running;
    },
    crash: async () => running?.kill("SIGKILL"),
    start,
    command: (...words) => ask(port, words),
    async [Symbol.asyncDispose]() {
      await running?.kill("SIGKILL");
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** One command over a connection of its own; the answer as it came (RESP2). */
function ask(port: number, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    socket.setTimeout(5_000, () => socket.destroy(new Error("no answer")));
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      answer += chunk.toString("utf8");
    });
    socket.on("close", () => resolve(answer));
    const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    const quit = "*1\r\n$4\r\nQUIT\r\n";
    socket.write(`*${words.length}\r\n${parts.join("")}${quit}`);
  });
}
