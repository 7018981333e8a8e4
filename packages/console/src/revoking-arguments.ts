import type { RevocationSelector } from "@agent-keys/core";
import { selectorSchema } from "@agent-keys/core/enforce";
import { printable } from "@agent-keys/core/audit";
import { ConsoleError } from "./console-error.ts";
import { CONFIG_FILE } from "./load-config.ts";
import { parseFlags } from "./parse-flags.ts";

/** What `revoke` and `restore` were asked to do. */
export interface RevokingArguments {
  readonly selector: RevocationSelector;
  /** Only this issuer's keys. Absent: everybody's. */
  readonly of: string | undefined;
  readonly reason: string | undefined;
  readonly config: string;
}

const one = { type: "string" } as const;
const SELECTORS = {
  id: one,
  agent: one,
  user: one,
  txn: one,
  scope: one,
  issuer: one,
  kid: one,
} as const;
const OPTIONS = {
  ...SELECTORS,
  all: { type: "boolean" },
  of: one,
  reason: one,
  config: one,
} as const;
const ONE_OF = "exactly one of --id, --agent, --user, --txn, --scope, --issuer, --kid, --all";

/** Longer ones do not fit on the record. */
const LONGEST_REASON = 1024;

/** @throws ConsoleError that names the flag. */
export function revokingArguments(
  command: "revoke" | "restore",
  args: readonly string[],
): RevokingArguments {
  const { values } = parseFlags(args, { command, options: OPTIONS, valueHint });
  const { of, reason, config = CONFIG_FILE, ...selectors } = values;
  const [given, more] = Object.entries(selectors);
  if (given === undefined || more !== undefined) {
    throw new ConsoleError(`${command} takes ${ONE_OF}`, `agent-keys ${command} --agent repo-bot`);
  }
  const [name, value] = given;
  const parsed = selectorSchema.safeParse(Object.fromEntries([given]));
  if (!parsed.success) {
    throw new ConsoleError(`--${name} cannot be "${printable(String(value))}"`, valueHint(name));
  }
  if (reason !== undefined && reason.length > LONGEST_REASON) {
    throw new ConsoleError("--reason is too long", `at most ${LONGEST_REASON} characters`);
  }
  return { selector: parsed.data, of, reason, config };
}

function valueHint(flag: string): string {
  switch (flag) {
    case "scope":
      return "a scope is like github:repos.read, a pattern like github:*";
    case "id":
      return "the whole id of a key: agent-keys ls --json has it";
    case "config":
      return `the path of a file, as in --config ${CONFIG_FILE}`;
    case "of":
      return "an issuer, as the configuration's issuers name it";
    default:
      return `a value that begins with - is given as in --${flag}=-x`;
  }
}
