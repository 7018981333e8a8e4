import type { RunContext } from "../context.ts";
import { durationSeconds } from "../duration.ts";
import { AgentKeyError, type AgentKeyErrorCode } from "../errors.ts";
import { constrainedNames, type Grant } from "../grant.ts";
import { internalsOf } from "../internals.ts";
import { type GrantInput, parseGrants } from "../mint.ts";
import { isIdentifier } from "../token/claims.ts";
import { bindArguments, grantsForArguments, ownArguments, valueNames } from "./bind-arguments.ts";
import { checkParameters } from "./check-parameters.ts";
import type { Scope, ScopeRule, SharedWrapOptions } from "./options.ts";
import { requireOwnObjects } from "./own-objects.ts";
import { isPromiseLike } from "./promise.ts";
import { type Classify, runUnderKey } from "./run-under-key.ts";
import { safeCause } from "./safe-cause.ts";

/** A tool as a wrapper sees it. */
export interface GuardedTool<Call> {
  readonly name: string;
  /** `"ai-sdk"`, `"langchain"`, … */
  readonly framework: string;
  readonly scope: ScopeRule<never, Call>;
  /** The option that states its scope, for messages. Default: `scopes.` and its name. */
  readonly option?: string | undefined;
  /** The names of its parameters, if they are known for certain: see `parameterNames`. */
  readonly parameters: readonly string[] | undefined;
}

/** One execution of a tool, as the framework hands it over. */
export interface GuardedCall<Call, T> extends Classify {
  /** The input, after the framework's own validation. */
  readonly input: unknown;
  /** The framework's second argument. */
  readonly call: Call;
  readonly callId: string | undefined;
  /** The tool's own body. */
  readonly body: () => T;
}

/** Runs one execution of a tool under a key of its own. */
export type Guard<Call> = <T>(execution: GuardedCall<Call, T>) => T;

/**
 * Makes the guards of some tools, in their order. A guard mints a key for each execution, checks the
 * constraints on its arguments, runs the body under the key and closes it. When anything refuses,
 * the body never runs.
 *
 * @throws TypeError when an option is wrong, naming it, or the tool and what is wrong with its scope.
 */
export function guardTools<Call>(
  tools: readonly GuardedTool<Call>[],
  options: SharedWrapOptions<Call>,
): readonly Guard<Call>[] {
  const { issuer, agent } = internalsOf(options.keys);
  checkOptions(options);
  const stated = tools.map(({ name, parameters, scope, option = `scopes.${name}` }) => {
    requireName(name);
    const decidedAtCall = typeof scope === "function" || scope === false;
    const grants = decidedAtCall ? undefined : readStatic(option, scope);
    return { name, option, parameters, grants };
  });
  checkParameters(stated, { issuer, agent, args: options.args ?? {} });
  return tools.map((tool) => guardTool(tool, options));
}

function guardTool<Call>(tool: GuardedTool<Call>, options: SharedWrapOptions<Call>): Guard<Call> {
  const internals = internalsOf(options.keys);
  const { name, framework, parameters } = tool;
  const args = ownArguments(options.args ?? {}, parameters);
  const known = parameters === undefined ? undefined : valueNames(parameters, args);
  const leaveUnbound = internals.issuer.unbound === "audience";

  return ({ input, call, callId, body, ...classify }) => {
    const plan = planCall(tool.scope, options, input, call);
    if (plan.scope === false) return runUnderKey(undefined, body, classify);
    const keepAllowing = (granted: readonly Grant[]): readonly Grant[] =>
      grantsForArguments(granted, {
        binding: bindArguments(input, args),
        stated: plan.stated,
        parameters: known,
        leaveUnbound,
      });
    const key = internals.mint(plan.ask, {
      run: plan.run,
      tool: { name, framework, ...(callId === undefined ? {} : { callId }) },
      expiresIn: options.expiresIn,
      input: { value: input },
      keepAllowing,
    });
    return runUnderKey(key, body, classify);
  };
}

interface CallPlan {
  readonly scope: Scope;
  /** Says what is asked for, or throws what the developer's functions did wrong, as a refusal. */
  readonly ask: () => GrantInput;
  readonly run: RunContext;
  readonly stated: (scope: string, name: string) => boolean;
}

const NOTHING_STATED = (): boolean => false;

function planCall<Call>(
  rule: ScopeRule<never, Call>,
  options: SharedWrapOptions<Call>,
  input: unknown,
  call: Call,
): CallPlan {
  try {
    const scope = typeof rule === "function" ? rule(input as never, call) : rule;
    if (isPromiseLike(scope)) throw mustNotWait("scope_invalid", "a scope function", scope);
    const run = contextOf(options, input, call);
    if (typeof rule !== "function" || scope === false) {
      return { scope, run, stated: NOTHING_STATED, ask: () => scope as GrantInput };
    }
    requireOwnObjects(scope, input);
    return { scope, run, stated: statedBy(scope), ask: () => scope };
  } catch (error) {
    const refusal =
      error instanceof AgentKeyError
        ? error
        : new AgentKeyError("scope_invalid", { cause: safeCause("the scope function", error) });
    const ask = (): never => {
      throw refusal;
    };
    return { scope: "", run: {}, stated: NOTHING_STATED, ask };
  }
}

/**
 * What a scope function itself put into `where` is not compared with the arguments again. With
 * several grants of one scope, only what all of them name.
 */
function statedBy(scope: GrantInput): CallPlan["stated"] {
  const grants = parseGrants(scope);
  return (wanted, name) =>
    grants
      .filter((grant) => grant.scope === wanted)
      .every((grant) => constrainedNames(grant).includes(name));
}

function contextOf<Call>(
  { context }: SharedWrapOptions<Call>,
  input: unknown,
  call: Call,
): RunContext {
  let run: unknown;
  try {
    run = context?.(input, call);
  } catch (error) {
    throw new AgentKeyError("input_invalid", { cause: safeCause("the context function", error) });
  }
  if (run === undefined) return {};
  if (isPromiseLike(run)) throw mustNotWait("input_invalid", "context", run);
  if (typeof run === "object" && run !== null) return run;
  throw new AgentKeyError("input_invalid", { detail: "context must return { user, txn }" });
}

/** Minting is synchronous. The promise's own rejection is answered, or it would end the process. */
function mustNotWait(
  code: AgentKeyErrorCode,
  what: string,
  promise: PromiseLike<unknown>,
): AgentKeyError {
  promise.then(undefined, () => undefined);
  return new AgentKeyError(code, { detail: `${what} must not return a promise` });
}

/** A server that names its own tools must not write records of any size. */
function requireName(name: string): void {
  if (isIdentifier(name)) return;
  throw new TypeError(`tool ${JSON.stringify(name.slice(0, 40))}: a name is 1 to 256 characters`);
}

function readStatic(option: string, scope: GrantInput): readonly Grant[] {
  try {
    return parseGrants(scope);
  } catch (cause) {
    const reason =
      cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : "";
    throw new TypeError(`${option}: ${reason}`, { cause });
  }
}

function checkOptions<Call>({ args, context, expiresIn }: SharedWrapOptions<Call>): void {
  if (context !== undefined && typeof context !== "function") {
    throw new TypeError("context: must be a function (input, call) => ({ user, txn })");
  }
  if (expiresIn !== undefined && durationSeconds(expiresIn) === undefined) {
    throw new TypeError('expiresIn: must be seconds, "30s" or "5m", at most 15 minutes');
  }
  if (args !== undefined && (typeof args !== "object" || args === null || Array.isArray(args))) {
    throw new TypeError("args: must map a constraint's name to an argument's");
  }
  const wrong = Object.entries(args ?? {}).find(([, argument]) => typeof argument !== "string");
  if (wrong !== undefined) throw new TypeError(`args.${wrong[0]}: must be an argument's name`);
}
