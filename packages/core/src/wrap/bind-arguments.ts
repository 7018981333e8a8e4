import { AgentKeyError } from "../errors.ts";
import type { Grant } from "../grant.ts";
import { failedNames } from "../request.ts";

/** How a call's arguments become the named values of a grant's constraints. */
export interface ArgumentBinding {
  /** The call's values by constraint name. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Names that a constraint may have and no argument of this call carries. */
  carries(name: string): boolean;
}

/** A text's input has one value, of this name. */
export const TEXT_INPUT = "input";

/** Shadowed arguments keep a name that no constraint can have, so that `only` still sees them. */
const SHADOWED = "\u0000";

/**
 * Names a call's arguments as constraints do.
 *
 * @param args - Which argument carries which value, where the names differ.
 */
export function bindArguments(
  input: unknown,
  args: Readonly<Record<string, string>>,
): ArgumentBinding {
  const own = ownMembers(input);
  const taken = new Set(Object.values(args));
  const plain = Object.entries(own)
    .filter(([name]) => !taken.has(name))
    .map(([name, value]) => [Object.hasOwn(args, name) ? SHADOWED + name : name, value] as const);
  const mapped = Object.entries(args)
    .filter(([, argument]) => Object.hasOwn(own, argument))
    .map(([name, argument]) => [name, own[argument]] as const);
  const values = Object.fromEntries([...plain, ...mapped]) as Record<string, unknown>;
  return { values, carries: (name) => Object.hasOwn(values, name) };
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
  const { binding, stated, leaveUnbound } = check;
  const failed = failedNames(grant, binding.values).filter((name) => !stated(grant.scope, name));
  const unbound = failed.filter((name) => isUnbound(name, check));
  const refused = failed.filter((name) => !unbound.includes(name));
  if (refused.length > 0) return { code: "constraint_failed", names: refused };
  if (unbound.length > 0 && !leaveUnbound) return { code: "constraint_unbound", names: unbound };
  return { code: undefined, names: [] };
}

/** A value that the call does not carry, of a name that is no known parameter of the tool. */
function isUnbound(name: string, { binding, parameters }: ArgumentCheck): boolean {
  return !binding.carries(name) && parameters?.includes(name) !== true;
}
