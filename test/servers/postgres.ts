import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { debianPostgres, findProgram } from "./find-program.ts";
import { freePort } from "./free-port.ts";
import { type OwnProcess, startProcess, until } from "./own-process.ts";

const SERVER = findProgram(["postgres"], debianPostgres());
const INITDB = findProgram(["initdb"], debianPostgres());
const READY = findProgram(["pg_isready"], debianPostgres());
const ACCOUNT = accountFor();

/** Why tests that need PostgreSQL are skipped; undefined where they run. */
export const postgresMissing: string | undefined =
  SERVER === undefined || INITDB === undefined || READY === undefined
    ? "skipped: no PostgreSQL server on this machine (Debian: apt install postgresql)"
    : ACCOUNT === "none"
      ? "skipped: PostgreSQL refuses to run as root, and there is no account postgres or nobody"
      : undefined;

/** A PostgreSQL of a test's own, in a directory of its own, on loopback. */
export interface PostgresServer extends AsyncDisposable {
  readonly port: number;
  /** As its superuser, without a password. */
  readonly url: string;
  readonly process: OwnProcess;
  /** Ends it at once, as a crash would. */
  crash(): Promise<void>;
  /** Starts it again, with the same port and files. */
  start(): Promise<void>;
}

/** @param settings - More of its settings: `["max_connections=50"]`. */
export async function startPostgres(settings: readonly string[] = []): Promise<PostgresServer> {
  if (SERVER === undefined || INITDB === undefined || READY === undefined || ACCOUNT === "none") {
    throw new Error(postgresMissing);
  }
  const [server, initdb, ready, account] = [SERVER, INITDB, READY, ACCOUNT];
  const directory = mkdtempSync(join(tmpdir(), "agent-keys-pg-"));
  const data = join(directory, "data");
  mkdirSync(data, { mode: 0o700 });
  chmodSync(directory, 0o755);
  if (account !== undefined) chownSync(data, account.uid, account.gid);
  const as = account ?? {};
  const setUp = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"];
  execFileSync(initdb, setUp, {
    ...as,
    cwd: data,
    stdio: "pipe",
    env: { ...process.env, LC_ALL: "C" },
  });
  const port = await freePort();
  const set = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", ...settings];
  const args = ["-D", data, "-p", `${port}`, ...set.flatMap((setting) => ["-c", setting])];
  let running: OwnProcess | undefined;
  const start = async (): Promise<void> => {
    const started = startProcess(server, args, { ...as, cwd: data });
    running = started;
    await until(() => isReady(ready, port), started);
  };
  await start();
  return {
    port,
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    get process() {
      if (running === undefined) throw new Error("it was never started");
      return running;
    },
    // Its children see that it is gone, and end; they hold the port until then.
    crash: async () => running?.kill("SIGKILL"),
    start,
    async [Symbol.asyncDispose]() {
      // Immediate shutdown: the children end with it.
      await running?.kill("SIGQUIT");
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function isReady(program: string, port: number): boolean {
  try {
    execFileSync(program, ["-h", "127.0.0.1", "-p", `${port}`, "-q"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** PostgreSQL does not run as root: whom to run it as then. */
function accountFor(): { readonly uid: number; readonly gid: number } | "none" | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ["postgres", "nobody"]) {
    try {
      const id = (flag: string): number =>
        Number(
          execFileSync("id", [flag, name], {
            encoding: "utf8",
            stdio: ["ignore", "pipe", "ignore"],
          }),
        );
      return { uid: id("-u"), gid: id("-g") };
    } catch {
      continue;
    }
  }
  return "none";
}
