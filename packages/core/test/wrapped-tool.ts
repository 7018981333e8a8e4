/** A tool behind the guard, and what a refusal of its call must look like. */
import { expect, type Mock, vi } from "vitest";
import type { AgentKey } from "../src/agent-key.ts";
import { currentKey } from "../src/context.ts";
import { AgentKeyError } from "../src/errors.ts";
import type { Grant } from "../src/grant.ts";
import type { AgentKeysOptions } from "../src/options.ts";
import { type TestKeys, testKeys } from "../src/testing/index.ts";
import { type GuardedTool, guardTools } from "../src/wrap/guard.ts";
import type { ScopeRule, SharedWrapOptions } from "../src/wrap/options.ts";

export interface Call {
  readonly session?: unknown;
}

export interface Setting {
  readonly scope?: ScopeRule<never, Call>;
  readonly parameters?: readonly string[];
  readonly allow?: readonly Grant[];
  readonly issuer?: Partial<AgentKeysOptions>;
  readonly options?: Partial<SharedWrapOptions<Call>>;
  readonly keys?: TestKeys;
}

export interface Wrapped {
  readonly keys: TestKeys;
  readonly body: Mock<() => AgentKey | undefined>;
  readonly call: (input?: unknown, call?: Call) => AgentKey | undefined;
}

/** A tool whose body says which key it runs under. */
export function wrap({
  scope = "a:b",
  parameters,
  allow,
  issuer,
  options,
  ...given
}: Setting = {}): Wrapped {
  const policy = allow === undefined ? "allow-all" : { "test-agent": { allow } };
  const keys = given.keys ?? testKeys({ policy, ...issuer });
  const tool: GuardedTool<Call> = { name: "tool", framework: "test", scope, parameters };
  const [guard] = guardTools([tool], { keys, ...options });
  const body = vi.fn<() => AgentKey | undefined>(() => currentKey());
  return {
    keys,
    body,
    call: (input = {}, call = {}) => guard?.({ input, call, callId: "call-1", body }),
  };
}

/** The refusal of a call whose body must not have run, and which must be on record as refused. */
export function refusal(
  { keys, body, call }: Wrapped,
  input: unknown = {},
  argument: Call = {},
): AgentKeyError {
  let thrown: unknown;
  try {
    call(input, argument);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(AgentKeyError);
  const error = thrown as AgentKeyError;
  expect(body).not.toHaveBeenCalled();
  const events = keys.events.map(({ type, ...rest }) => ({
    type,
    code: "code" in rest ? rest.code : "",
  }));
  expect(events).toEqual([{ type: "key.denied", code: error.code }]);
  expect(keys.events[0]).toMatchObject({
    tool: { name: "tool", framework: "test", callId: "call-1" },
  });
  return error;
}

export const refusedCode = (wrapped: Wrapped, input?: unknown, call?: Call): string =>
  refusal(wrapped, input, call).code;
