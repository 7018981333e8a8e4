import { ConsoleError } from "./console-error.ts";
import type { Arguments, ReadingCommand } from "./arguments.ts";
import type { Terminal } from "./terminal.ts";

/** What `agent-keys` can be asked to do. */
export type CommandName =
  | ReadingCommand
  | "init"
  | "broker"
  | "services"
  | "secrets"
  | "revoke"
  | "revocations"
  | "restore"
  | "checkpoint"
  | "prove"
  | "index";

type Command<Given> = (given: Given, terminal: Terminal) => number | Promise<number>;

/** Imported when it is run: what one command needs, another does not wait for. */
const COMMANDS: Readonly<Record<CommandName, () => Promise<Command<readonly string[]>>>> = {
  init: async () => (await import("./commands/init.ts")).init,
  broker: async () => (await import("./commands/broker.ts")).broker,
  services: async () => (await import("./commands/services.ts")).services,
  secrets: async () => (await import("./commands/secrets.ts")).secrets,
  revoke: async () => (await import("./commands/revoke.ts")).revoke,
  revocations: async () => (await import("./commands/revocations.ts")).revocations,
  restore: async () => (await import("./commands/restore.ts")).restore,
  tail: () => reading("tail", async () => (await import("./commands/tail.ts")).tail),
  ls: () => reading("ls", async () => (await import("./commands/ls.ts")).ls),
  show: () => reading("show", async () => (await import("./commands/show.ts")).show),
  stats: () => reading("stats", async () => (await import("./commands/stats.ts")).stats),
  checkpoint: async () => (await import("./commands/checkpoint.ts")).checkpoint,
  index: async () => (await import("./commands/index-file.ts")).indexFile,
  prove: async () => (await import("./commands/prove.ts")).prove,
  export: () => reading("export", async () => (await import("./commands/export.ts")).exportEvents),
  verify: () => reading("verify", async () => (await import("./commands/verify.ts")).verify),
};

/** A command that reads the record. Such take much the same flags. */
async function reading(
  name: ReadingCommand,
  load: () => Promise<Command<Arguments>>,
): Promise<Command<readonly string[]>> {
  const [{ parseArguments }, command] = await Promise.all([import("./arguments.ts"), load()]);
  return (args, terminal) => command(parseArguments(name, args, terminal.now()), terminal);
}

/**
 * Runs the `agent-keys` command. Never throws: what goes wrong is said on `terminal.err`, in one line
 * and a hint.
 *
 * @param args - Without the program's own name: `["ls", "--limit", "5"]`.
 * @returns The exit code: 0 fine, 1 `verify` found damage, 2 failure.
 */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await runCommand(args, terminal);
  } catch (error) {
    // Whoever read our output has seen enough.
    if ((error as NodeJS.ErrnoException | undefined)?.code === "EPIPE") return 0;
    const { complain } = await import("./complain.ts");
    complain(error, terminal);
    return 2;
  }
}

async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name = "", ...rest] = args;
  if (name === "help" || HELP.includes(name)) {
    return await tellHelp(
      rest.find((arg) => !HELP.includes(arg)),
      terminal,
    );
  }
  if (name === "--version" || name === "-v") {
    const { version } = await import("./help.ts");
    terminal.out(`${version()}\n`);
    return 0;
  }
  if (!isCommand(name)) throw await unknown(name);
  if (asksForHelp(rest)) return await tellHelp(name, terminal);
  const start = await COMMANDS[name]();
  return await start(rest, terminal);
}

const HELP = ["--help", "-h"];

async function tellHelp(name: string | undefined, terminal: Terminal): Promise<number> {
  if (name !== undefined && !isCommand(name)) throw await unknown(name);
  const { help } = await import("./help.ts");
  terminal.out(help(name));
  return 0;
}

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name);
}

/** Not behind `--`, where everything is an id or a file. */
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? undefined : end).some((arg) => HELP.includes(arg));
}

async function unknown(name: string): Promise<ConsoleError> {
  const all = Object.keys(COMMANDS);
  const names = `commands are ${all.join(", ")}; agent-keys --help says more`;
  if (name === "") return new ConsoleError("no command was given", names);
  if (name.startsWith("-")) {
    return new ConsoleError(`flag ${name} stands before the command`, names);
  }
  const { nearest } = await import("./nearest.ts");
  const meant = nearest(name, all);
  const hint = meant === undefined ? names : `is it ${meant}? agent-keys --help lists all`;
  return new ConsoleError(`there is no command "${name}"`, hint);
}
