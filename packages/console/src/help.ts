import { readFileSync } from "node:fs";
import type { CommandName } from "./run.ts";

const GENERAL = `agent-keys: run the broker of agent keys, and follow, search and verify the
audit

usage: agent-keys <command> [flags]

  init          a configuration of the broker and a signing key to start with
  broker        runs the broker
  services      what the broker's services are, and which scope allows what
  secrets check do the secrets resolve, for how long, and who may read them?

  revoke        stops keys in every process, and new ones
  revocations   what is revoked
  restore       lifts a revocation

  tail [-f]     the newest events; -f: and each one as it comes
  ls            the newest events that pass the filters
  show <id>     one call's whole story; the id of a key or a tool call,
                or its beginning
  stats         calls, denials, errors and durations by agent, tool and scope
  verify        is the record as it was written?
  checkpoint    signs what the record has so far
  prove <id>    proves that an event is in the record
  index         makes show and filters quick on a large record
  export        events for spreadsheets and SIEMs: CSV, OCSF, CEF

  agent-keys help <command>      what a command takes; so does <command> --help
  agent-keys --version

Reads ./agent-keys.audit.jsonl, the agent's record, and the broker's,
./agent-keys.broker.audit.jsonl, as far as they are here, unless --file names
others. Times are UTC.
Exit code: 0 fine, 1 verify found damage or a secret does not resolve,
2 failure.
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
  --file <path>         several: shown as one record. Default, as far as they are
                        here: ./agent-keys.audit.jsonl, the agent's, and
                        ./agent-keys.broker.audit.jsonl, the broker's
  --from <where>        file:<path>, sqlite:<path> of sqliteSink, or
                        postgres://<user>@<host>/<database> of postgresSink:
                        its password comes from PGPASSWORD, ?table= names
                        another table than agent_keys_audit
  --json                for programs
  -h, --help
`;

const COMMANDS: Readonly<Record<CommandName, string>> = {
  init: `usage: agent-keys init

Writes agent-keys.config.ts, a configuration of the broker that works as it is
and says what its lines are for, and agent-keys.key, the key that the agent's
process signs with, both mode 0600. The configuration knows the key's public
half. Where there is a git repository, the key, .env, .env.broker and records
are added to .gitignore. Nothing is overwritten.

Prints two lines for the environment of the agent's process, where
createAgentKeys() reads them:

  agent-keys init >> .env

  -h, --help
`,
  broker: `usage: agent-keys broker [flags]

Runs the broker: it takes the keys of agents, decides on each request, and sends
it on with the real credential, which only this process has. It says on stderr
when it is up; GET /healthz tells other programs.

SIGTERM or Ctrl-C stops it when the requests in flight are done; once more stops
it at once.

  --config <path>       default: ./agent-keys.config.ts
  --env-file <path>     sets the variables of this file, such as GITHUB_TOKEN,
                        that the environment has not set: the broker's own file
                        (.env.broker), and not the .env of the agent
  --secret <service>=<reference>
                        where a service's credential is read, instead of the
                        configuration: env:GITHUB_TOKEN, vault:kv/github#token.
                        Several. AGENT_KEYS_SECRET_<SERVICE> in the environment
                        says it for a service that both leave out
  --port <number>       instead of the configuration's; 0: any that is free
  --host <address>      instead of the configuration's. Beyond loopback it must
                        say tls or behindTls
  -h, --help

Exit code: 0 stopped, 2 it could not start.
`,
  services: `usage: agent-keys services [name...] [flags]

Lists the services of a configuration, or the named ones of them: where each is,
where its secret is read, and its scopes, as a policy names them. No secret is
read.

  --explain             and each scope's routes, with the parameters that a
                        policy's where may name
  --config <path>       default: ./agent-keys.config.ts
  --json                for programs: one line a service, with all there is
  -h, --help
`,
  secrets: `usage: agent-keys secrets check [reference...] [flags]

Reads each secret of a configuration, or each that is referred to, and says
whether there is one, how long it lives, and who else may read it; never what it
is. What is leased for the check is given back.

  agent-keys secrets check env:GITHUB_TOKEN vault:kv/github#token

  --config <path>       default: ./agent-keys.config.ts
  --env-file <path>     sets the variables of this file that are not set, as the
                        broker does
  --json                for programs: one line a secret
  -h, --help

Exit code: 0 all resolve, 1 one does not, 2 failure.
`,
  revoke: `usage: agent-keys revoke <what> [flags]

Stops keys in every process that shares the configuration's store: live ones are
refused, answers that are streaming are cut off, new ones are not minted. It
stands until it is restored. Takes one of

  --id <id>             one key: its whole id
  --agent <name>        all keys of an agent
  --user <name>         all keys for a user
  --txn <id>            all keys of a run
  --scope <scope>       a scope, or a pattern: 'github:*'
  --issuer <issuer>     all keys of an issuer
  --kid <id>            all keys that a signing key has signed
  --all                 all keys

  --of <issuer>         only keys of this issuer
  --reason <text>       for the record
  --config <path>       default: ./agent-keys.config.ts
  -h, --help

Without a store that is shared, the agent's process revokes: keys.revoke().
`,
  revocations: `usage: agent-keys revocations [flags]

Lists the revocations that stand in the configuration's store, the oldest first.

  --config <path>       default: ./agent-keys.config.ts
  --json                for programs: one line each
  -h, --help
`,
  restore: `usage: agent-keys restore <what> [flags]

Lifts a revocation. Takes the flags that revoke was given; --of <issuer> lifts
what that issuer has revoked itself.

  --reason <text>       for the record
  --config <path>       default: ./agent-keys.config.ts
  -h, --help
`,
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
times has a story for each. An id that begins with - goes behind --. With the
broker's record, requests stand under their key; without the agent's, alone.

  -n, --limit <count>   how many stories at most, the newest (10)
${FILTERS}${COMMON}
With --json: one line a story.
`,
  stats: `usage: agent-keys stats [flags]

Counts calls by agent, tool and scope. CALLS are all that were asked for: DENIED
ones never ran, ERRORS failed, EXPIRED ones outlived their key. P50 and P95 are
durations of the calls that ended. Of a broker's record, it counts requests by
agent and route in the same way.

  -n, --limit <count>   rows a table (20; with --json all)
${FILTERS}${COMMON}`,
  verify: `usage: agent-keys verify [file...] [flags]

Checks every writer's hash chain, over one file or several segments in any
order, and names the first bad line. Exit code 1 when there is one.
${COMMON}
A chain shows what was edited, taken out, moved or put in by somebody who did not
compute it again. It cannot show a tail that was cut off, a writer that was taken
out whole, or a chain that was computed again from some line on. A checkpoint
that was kept elsewhere shows those too:

  --checkpoint <path>   checkpoints that were kept: is all that they cover still
                        there, each byte and in order? One file, and its segments
  --key <key>           whose signature they must have: the verifier key that
                        checkpoint prints, or a file that holds it or a PEM key.
                        Alone: holds the record against its own checkpoints
  --proof <path>        checks what prove printed, without the record, by --key,
                        --checkpoint or both

Without a checkpoint, each chain's last hash can be kept: --json has the heads.
`,
  index: `usage: agent-keys index [flags]

Makes <file>.index, or brings it up to date, so that show, and ls with
filters, read what they need and not all. What is written since is read as
before; nothing that they say comes from the index. It can be deleted.

${COMMON}`,
  export: `usage: agent-keys export --format <format> [flags]

Prints all events that pass the filters for other systems, the oldest first.

  --format <format>     csv: RFC 4180, and nothing that a spreadsheet would run
                        ocsf: OCSF 1.8.0, API Activity (6003), as JSON Lines
                        cef: ArcSight's Common Event Format
  --out <path>          a new file for its owner alone, instead of stdout
${FILTERS}
  --file <path>         several: exported as one record, as ls shows it
  --from <where>        a file or a database, as for ls
  -h, --help
`,
  checkpoint: `usage: agent-keys checkpoint --key <path> [flags]

Signs a checkpoint over all that the record has so far, its segments too, and
appends it to <file>.checkpoints. Prints it: keep it where nobody who writes the
record can change it, for verify --checkpoint. Says on stderr what to verify with.

  --key <path>          a private Ed25519 key, PEM:
                        openssl genpkey -algorithm ed25519 -out audit.key
  --origin <name>       the log's name, as in example.com/audit; default: what it
                        was before, else one made from the record's first line
${COMMON}`,
  prove: `usage: agent-keys prove <event id> [flags]

Prints a proof that an event's line is in the record, under its newest
checkpoint. The proof holds the line and the checkpoint: verify --proof checks it
without the record. The id is the event's own: ls --json has it.

  --checkpoint <path>   lead to a checkpoint that was kept instead
${COMMON}`,
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
