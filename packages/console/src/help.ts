import { readFileSync } from "node:fs";
import type { CommandName } from "./arguments.ts";

const GENERAL = `agent-keys: follow, search and verify the audit of agent keys

usage: agent-keys <command> [flags]

  tail [-f]     the newest events; -f: and each one as it comes
  ls            the newest events that pass the filters
  show <id>     one call's whole story; the id of a key or a tool call,
                or its beginning
  stats         calls, denials, errors and durations by agent, tool and scope
  verify        is the record as it was written?

  agent-keys <command> --help    what a command takes
  agent-keys --version

Reads ./agent-keys.audit.jsonl unless --file names another. Times are UTC.
Exit code: 0 fine, 1 verify found damage, 2 failure.
`;

const FILTERS = `
Filters. All must pass; one that is given several times passes any of its values.
  --agent <name>        who acts
  --user <name>         for whom
  --tool <name>         by which tool
  --scope <scope>       a scope, or a pattern: 'github:*'
  --type <type>         key.minted, key.denied, …; or a family: 'key.*'
  --outcome <outcome>   ok, error, interrupted, cancelled, expired
  --since <time>        10m, 2h, 1d ago; or 2026-11-23, 2026-11-23T20:00Z
  --until <time>
`;

const COMMON = `
  --file <path>         default: ./agent-keys.audit.jsonl
  --json                for programs
  -h, --help
`;

const COMMANDS: Readonly<Record<CommandName, string>> = {
  tail: `usage: agent-keys tail [-f] [flags]

Shows the newest events, one a line: when, what, the beginning of the id that
show takes, agent, tool, what came of it, scopes.

  -f, --follow          go on with each event as it comes; waits for a file that
                        is not there, follows one that is cut off or replaced
  -n, --limit <count>   how many to begin with (10)
${FILTERS}${COMMON}`,
  ls: `usage: agent-keys ls [flags]

Lists the newest events that pass the filters, the newest last.

  -n, --limit <count>   how many at most (50)
${FILTERS}${COMMON}
With --json: the record's own lines.
`,
  show: `usage: agent-keys show <id> [flags]

Tells one call's story: who called what, what the key could do and until when,
and each step with its time, calls that ran inside it too. The id is that of a
key or a tool call; its beginning is enough. A tool call that was tried several
times has a story for each. An id that begins with - goes behind --.

  -n, --limit <count>   how many stories at most, the newest (10)
${FILTERS}${COMMON}
With --json: one line a story.
`,
  stats: `usage: agent-keys stats [flags]

Counts calls by agent, tool and scope. CALLS are all that were asked for: DENIED
ones never ran, ERRORS failed, EXPIRED ones outlived their key. P50 and P95 are
durations of the calls that ended.

  -n, --limit <count>   rows a table (20; with --json all)
${FILTERS}${COMMON}`,
  verify: `usage: agent-keys verify [file...] [flags]

Checks every writer's hash chain, over one file or several segments in any
order, and names the first bad line. Exit code 1 when there is one.
${COMMON}
A chain shows what was edited, taken out, moved or put in by somebody who did not
compute it again. It cannot show a tail that was cut off, a writer that was taken
out whole, or a chain that was computed again from some line on. To see those,
keep each chain's last hash elsewhere: --json prints them as heads.
`,
};

/** The help of a command, or of all. */
export function help(command: CommandName | undefined): string {
  return command === undefined ? GENERAL : COMMANDS[command];
}

/** This package's version. */
export function version(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
