import { isScopePattern, type Outcome, outcomes, printable } from "@agent-keys/core/audit";
import { ConsoleError } from "./console-error.ts";
import { addressesOf, type DatabaseAddress } from "./database/address.ts";
import { eventTypes, type Filter } from "./filter.ts";
import { parseInstant } from "./instant.ts";
import { parseFlags } from "./parse-flags.ts";

/** What a command was asked to do. */
export interface Arguments {
  /** The files, as they were named. None: those with the default names. */
  readonly files: readonly string[];
  /** The database that is read in the place of files. */
  readonly database?: DatabaseAddress | undefined;
  readonly filter: Filter;
  /** What a command shows at most; each has its own default. */
  readonly limit: number | undefined;
  readonly json: boolean;
  readonly follow: boolean;
  /** The id that `show` looks for. */
  readonly id: string;
  /** What `verify` holds the record against: paths, and a key as text or in a file. */
  readonly against: Against;
  /** What `export` makes of it, and where. */
  readonly format: string | undefined;
  readonly out: string | undefined;
}

/** What `verify` takes beside files. */
export interface Against {
  readonly checkpoint?: string | undefined;
  readonly key?: string | undefined;
  readonly proof?: string | undefined;
}

/** The commands that read the record. */
export type ReadingCommand = "tail" | "ls" | "show" | "stats" | "verify" | "export";

const several = { type: "string", multiple: true } as const;
const one = { type: "string" } as const;
const flag = { type: "boolean" } as const;

const FILES = { file: several, from: several, json: flag } as const;
const VERIFYING = { ...FILES, checkpoint: one, key: one, proof: one } as const;
const FILTERS = {
  ...FILES,
  agent: several,
  user: several,
  tool: several,
  scope: several,
  type: several,
  outcome: several,
  since: one,
  until: one,
  limit: { ...one, short: "n" },
} as const;
const { limit: _, json: __, ...UNLIMITED } = FILTERS;
const EXPORTING = { ...UNLIMITED, format: one, out: one } as const;
const FOLLOWING = { ...FILTERS, follow: { ...flag, short: "f" } } as const;

/** Everything any command takes; which one takes what is checked by `parseArgs`. */
type Values = Partial<Record<keyof Against | "format" | "out", string>> &
  Partial<Record<Exclude<keyof typeof FOLLOWING, ValueName>, string[]>> &
  Partial<Record<"since" | "until" | "limit", string>> &
  Partial<Record<"json" | "follow", boolean>>;
type ValueName = "since" | "until" | "limit" | "json" | "follow";

/**
 * Reads a command's flags and ids.
 *
 * @throws ConsoleError that names the flag.
 */
export function parseArguments(
  command: ReadingCommand,
  args: readonly string[],
  nowMs: number,
): Arguments {
  const { values, positionals } = parseStrictly(command, args);
  return {
    ...addressesOf(values.file ?? [], [
      ...(command === "verify" ? positionals : []),
      ...(values.from ?? []),
    ]),
    filter: parseFilter(values, nowMs),
    limit: parseLimit(values.limit),
    json: values.json === true,
    follow: values.follow === true,
    id: command === "show" ? theId(positionals) : "",
    format: values.format,
    out: values.out,
    against: { checkpoint: values.checkpoint, key: values.key, proof: values.proof },
  };
}

function parseStrictly(
  command: ReadingCommand,
  args: readonly string[],
): { values: Values; positionals: string[] } {
  return parseFlags(args, {
    command,
    options: optionsOf(command),
    allowPositionals: command === "show" || command === "verify",
    valueHint,
    unknownFlagHint: command === "show" ? DASHED_ID_HINT : undefined,
    unknownWordHint: `agent-keys ${command} --help lists what it takes; files go to --file`,
  });
}

const ALL = { ...FOLLOWING, ...VERIFYING, ...EXPORTING } as const;

/** Typed as all there are: what a command does not take is absent from what it was given. */
function optionsOf(command: ReadingCommand): typeof ALL {
  if (command === "tail") return FOLLOWING as typeof ALL;
  if (command === "export") return EXPORTING as typeof ALL;
  return (command === "verify" ? VERIFYING : FILTERS) as typeof ALL;
}

const DASHED_ID_HINT = "an id that begins with - goes behind --, as in: agent-keys show -- -abc";

/** What a flag can have. */
function valueHint(name: string): string {
  switch (name) {
    case "limit":
      return "a whole number that is not negative, as in --limit 20";
    case "since":
    case "until":
      return "a duration like 10m, 2h, 1d, or a time like 2026-11-23T20:00Z";
    default:
      return `a value that begins with - is given as in --${name}=-x`;
  }
}

function theId(positionals: readonly string[]): string {
  const [id = "", more] = positionals;
  const hint = "agent-keys ls shows ids; the beginning of one is enough";
  if (id === "") throw new ConsoleError("show needs a key id or a tool call id", hint);
  if (more !== undefined) throw new ConsoleError("show takes one id", hint);
  return id;
}

function parseFilter(values: Values, nowMs: number): Filter {
  const sinceMs = parseMoment("since", values.since, nowMs);
  const untilMs = parseMoment("until", values.until, nowMs);
  if (sinceMs !== undefined && untilMs !== undefined && sinceMs > untilMs) {
    throw new ConsoleError("--since is later than --until", "nothing can be between them");
  }
  const scopes = values.scope ?? [];
  const wrong = scopes.find((scope) => !isScopePattern(scope));
  if (wrong !== undefined) {
    throw invalid("scope", wrong, "a scope is like github:repos.read, a pattern like github:*");
  }
  return {
    agents: values.agent ?? [],
    users: values.user ?? [],
    tools: values.tool ?? [],
    scopes,
    types: (values.type ?? []).flatMap(typesNamed),
    outcomes: (values.outcome ?? []).map(outcomeNamed),
    sinceMs,
    untilMs,
  };
}

function parseMoment(name: string, text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  const instant = parseInstant(text, nowMs);
  if (instant !== undefined) return instant;
  throw invalid(name, text, valueHint(name));
}

function parseLimit(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw invalid("limit", text, valueHint("limit"));
}

/** `key.denied`, or all of a family: `key.*`. */
function typesNamed(text: string): typeof eventTypes {
  const family = text.endsWith(".*") ? text.slice(0, -1) : undefined;
  const named = eventTypes.filter((type) => type === text || (family && type.startsWith(family)));
  if (named.length > 0) return named;
  throw invalid("type", text, `one of ${eventTypes.join(", ")}; or a family, like key.*`);
}

function outcomeNamed(text: string): Outcome {
  const outcome = outcomes.find((known) => known === text);
  if (outcome !== undefined) return outcome;
  const denied = text === "denied" ? "; refused calls are --type key.denied" : "";
  throw invalid("outcome", text, `one of ${outcomes.join(", ")}${denied}`);
}

function invalid(name: string, text: string, hint: string): ConsoleError {
  return new ConsoleError(`--${name} cannot be "${printable(text)}"`, hint);
}
