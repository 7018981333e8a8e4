import { MAX_VALUES } from "../audit/canonical.ts";
import { AgentKeyError } from "../errors.ts";
import type { GrantInput } from "../mint.ts";

/**
 * Refuses a grant, an operator or a list that a scope function took from the input as it is. Where it
 * means to echo a value, `where: { owner: input.owner }`, a model could put an operator such as
 * `{ any: true }` in the value's place, and would write its own grant.
 *
 * @throws AgentKeyError `scope_invalid`; `input_invalid` when the input is too large to look through.
 */
export function requireOwnObjects(scope: GrantInput, input: unknown): void {
  const stated = objectsIn(scope, "scope_invalid");
  if (stated.size === 0) return;
  for (const object of objectsIn(input, "input_invalid")) {
    if (!stated.has(object)) continue;
    throw new AgentKeyError("scope_invalid", {
      detail:
        "a scope function returned an object of the input; take texts, numbers and booleans from it",
    });
  }
}

/** The objects that can be reached, each once, so that a cycle ends. */
function objectsIn(
  value: unknown,
  tooLarge: "scope_invalid" | "input_invalid",
): ReadonlySet<unknown> {
  const found = new Set<unknown>();
  const add = (next: unknown): void => {
    if (typeof next === "object" && next !== null) found.add(next);
  };
  add(value);
  // A set that grows while it is walked is walked to its end.
  for (const object of found) {
    if (found.size > MAX_VALUES) {
      throw new AgentKeyError(tooLarge, { detail: `more than ${MAX_VALUES} objects` });
    }
    for (const member of Object.values(object as object)) add(member);
  }
  return found;
}
