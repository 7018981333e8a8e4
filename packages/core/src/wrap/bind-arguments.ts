import { AgentKeyError } from "../errors.ts";
import { constrainedNames, type Grant } from "../grant.ts";
import { failedNames } from "../request.ts";

/** How a call's arguments become the named values of a grant's constraints. */
export interface ArgumentBinding {
  /** The call's values by constraint name. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Whether an argument of this call is the value of a name. */
  carries(name: string): boolean;
  /**
   * Whether the call lacks the argument that the mapping reads for a name, and has one of that very
   * name. Which of the two the tool goes by is then for the tool's parameters to say.
   */
  ambiguous(name: string): boolean;
}

/** Which argument carries which value, where the names differ. */
export type ArgumentNames = Readonly<Record<string, string>>;

/** A text's input has one value, of this name. */
export const TEXT_INPUT = "input";

/** Shadowed arguments keep a name that no constraint can have, so that `only` still sees them. */
const SHADOWED = "\u0000";

/** The mapping as it concerns one tool: a tool without the argument keeps the value's own name. */
export function ownArguments(
  args: ArgumentNames,
  parameters: readonly string[] | undefined,
): ArgumentNames {
  if (parameters === undefined) return args;
  const own = Object.entries(args).filter(([, argument]) => parameters.includes(argument));
  return Object.fromEntries(own);
}

/** The names that constraints use for a tool's parameters. */
export function valueNames(parameters: readonly string[], args: ArgumentNames): readonly string[] {
  const own = ownArguments(args, parameters);
  const taken = new Set(Object.values(own));
  return [...Object.keys(own), ...parameters.filter((parameter) => !taken.has(parameter))];
}

/** Names a call's arguments as constraints do. */
export function bindArguments(input: unknown, args: ArgumentNames): ArgumentBinding {
  const own = ownMembers(input);
  const taken = new Set(Object.values(args));
  const plain = Object.entries(own)
    .filter(([name]) => !taken.has(name))
    .map(([name, value]) => [Object.hasOwn(args, name) ? SHADOWED + name : name, value] as const);
  const mapped = Object.entries(args)
    .filter(([, argument]) => Object.hasOwn(own, argument))
    .map(([name, argument]) => [name, own[argument]] as const);
  const values = Object.fromEntries([...plain, ...mapped]) as Record<string, unknown>;
  const carries = (name: string): boolean => Object.hasOwn(values, name);
  return {
    values,
    carries,
    ambiguous: (name) => !carries(name) && Object.hasOwn(values, SHADOWED + name),
  };
}

function ownMembers(input: unknown): Readonly<Record<string, unknown>> {
  if (typeof input === "object" && input !== null) return input as Record<string, unknown>;
  return input === undefined ? {} : { [TEXT_INPUT]: input };
}

/** What decides which grants allow a call's arguments. */
export interface ArgumentCheck {
  readonly binding: ArgumentBinding;
  /** Whether a scope function itself put a name into every `where` of a scope it asked for. */
  readonly stated: (scope: string, name: string) => boolean;
  /** Parameters the tool has, if they are known: a missing value of one is a failed constraint. */
  readonly parameters: readonly string[] | undefined;
  /** Whether a constraint that no argument carries is left to the audience of the key. */
  readonly leaveUnbound: boolean;
}

/**
 * The grants that allow a call's arguments.
 *
 * @throws AgentKeyError `constraint_unbound` when a grant fails only for values that the call cannot
 * carry, `constraint_failed` otherwise.
 */
export function grantsForArguments(
  granted: readonly Grant[],
  check: ArgumentCheck,
): readonly Grant[] {
  const verdicts = granted.map((grant) => verdict(grant, check));
  const allowing = granted.filter((_, index) => verdicts[index]?.code === undefined);
  if (allowing.length > 0) return allowing;
  const unbound = verdicts.find(({ code }) => code === "constraint_unbound");
  const { code = "constraint_failed", names = [] } = unbound ?? verdicts[0] ?? {};
  throw new AgentKeyError(code, {
    scopes: granted.map((grant) => grant.scope),
    detail: `constrained: ${names.join(", ")}`,
  });
}

interface Verdict {
  readonly code: "constraint_failed" | "constraint_unbound" | undefined;
  readonly names: readonly string[];
}

function verdict(grant: Grant, check: ArgumentCheck): Verdict {
  const { binding, stated, parameters, leaveUnbound } = check;
  const unclear = constrainedNames(grant).filter(
    (name) => parameters === undefined && binding.ambiguous(name),
  );
  const failed = [...new Set([...failedNames(grant, binding.values), ...unclear])].filter(
    (name) => !stated(grant.scope, name),
  );
  const unbound = failed.filter((name) => isUnbound(name, check));
  const refused = failed.filter((name) => !unbound.includes(name));
  if (refused.length > 0) return { code: "constraint_failed", names: named(grant, refused) };
  if (unbound.length > 0 && !leaveUnbound) return { code: "constraint_unbound", names: unbound };
  return { code: undefined, names: [] };
}

/** A value that the call does not carry, of a name that is no known parameter of the tool. */
function isUnbound(name: string, { binding, parameters }: ArgumentCheck): boolean {
  return !binding.carries(name) && parameters?.includes(name) !== true;
}

/** What `only` refuses has a name that the model chose, so it is not repeated. */
function named(grant: Grant, refused: readonly string[]): readonly string[] {
  const own = constrainedNames(grant).filter((name) => refused.includes(name));
  return own.length === refused.length ? own : [...own, "an argument that `where` does not name"];
}
