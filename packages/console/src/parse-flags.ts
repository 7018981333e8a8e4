import { parseArgs, type ParseArgsConfig } from "node:util";
import { printable } from "@agent-keys/core/audit";
import { ConsoleError } from "./console-error.ts";

/** What a command takes, and what to say where it is given something else. */
export interface Flags<Options extends NonNullable<ParseArgsConfig["options"]>> {
  readonly command: string;
  readonly options: Options;
  readonly allowPositionals?: boolean;
  /** What a flag can have: the hint when its value is missing. */
  readonly valueHint: (name: string) => string;
  /** The hint for a flag, or a word, that there is not. Default: where the help is. */
  readonly unknownFlagHint?: string | undefined;
  readonly unknownWordHint?: string | undefined;
}

/** What was given. */
type Parsed<Options extends NonNullable<ParseArgsConfig["options"]>> = ReturnType<
  typeof parseArgs<{ options: Options; strict: true; allowPositionals: boolean }>
>;

/**
 * Reads a command's flags and words.
 *
 * @throws ConsoleError that names the flag.
 */
export function parseFlags<Options extends NonNullable<ParseArgsConfig["options"]>>(
  args: readonly string[],
  flags: Flags<Options>,
): Parsed<Options> {
  const { options, allowPositionals = false } = flags;
  try {
    return parseArgs({ args: [...args], options, strict: true as const, allowPositionals });
  } catch (error) {
    throw explain(flags, error as NodeJS.ErrnoException);
  }
}

/** Node's own message has the right first sentence and too many more. */
function explain(
  flags: Flags<NonNullable<ParseArgsConfig["options"]>>,
  { code, message }: NodeJS.ErrnoException,
): ConsoleError {
  const { command } = flags;
  const [, quoted = ""] = /'([^']*)'/.exec(message) ?? [];
  const name = printable(quoted);
  const help = `agent-keys ${command} --help lists what it takes`;
  if (code === "ERR_PARSE_ARGS_UNKNOWN_OPTION") {
    return new ConsoleError(`${command} has no flag ${name}`, flags.unknownFlagHint ?? help);
  }
  if (code === "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL") {
    return new ConsoleError(`${command} does not take "${name}"`, flags.unknownWordHint ?? help);
  }
  const [given] = /--?[a-z]+/.exec(name.replace(/^-\w, /, "")) ?? [];
  const flag = given === "-n" ? "--limit" : given;
  const [problem] = /argument (?:is ambiguous|missing)/.exec(message) ?? [];
  if (flag !== undefined && problem !== undefined) {
    const why = problem.endsWith("missing") ? "" : ", and what begins with - is none";
    return new ConsoleError(`${flag} needs a value${why}`, flags.valueHint(flag.slice(2)));
  }
  const [sentence = ""] = message.split(/\.\s|\n/);
  return new ConsoleError(printable(sentence.replace(/\.$/, "")), help);
}
