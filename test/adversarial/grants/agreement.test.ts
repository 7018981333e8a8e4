import { checkRequest, type Grant, type KeyRequest } from "@agent-keys/core";
import { expect, test } from "vitest";
import { seeded } from "../seeded.ts";
import { cases } from "./generate.ts";
import { referenceDecision } from "./reference.ts";
import { shown } from "./shown.ts";

const CASES = 200_000;

test(`checkRequest decides ${CASES.toLocaleString("en")} requests as the reference does`, () => {
  const random = seeded("grants/agreement", 20_261_101);
  const make = cases(random);
  const tally = { allowed: 0, insufficient_scope: 0, constraint_failed: 0 };
  const disagreements: string[] = [];
  for (let i = 0; i < CASES; i += 1) {
    const names = make.names();
    const first = make.grant(names);
    const grants: Grant[] = [first];
    while (random.chance(0.4)) {
      grants.push(random.chance(0.5) ? make.near(first, names) : make.grant(names));
    }
    const request = make.request(grants, names);
    const expected = referenceDecision(grants, request);
    tally[expected.code] += 1;
    if (!agrees(grants, request, expected))
      disagreements.push(shown({ grants, request, expected }));
  }
  console.log("grants/agreement:", shares(tally));
  expect(disagreements.slice(0, 5)).toEqual([]);
  // What is compared must occur, each of them often.
  for (const count of Object.values(tally)) expect(count).toBeGreaterThan(CASES * 0.03);
  expect(tally.allowed).toBeGreaterThan(CASES * 0.25);
});

function agrees(
  grants: readonly Grant[],
  request: KeyRequest,
  { code, allowing, failed }: ReturnType<typeof referenceDecision>,
): boolean {
  const decision = checkRequest(grants, request);
  if (decision.allowed) return code === "allowed" && shown(decision.grants) === shown(allowing);
  return (
    decision.code === code && shown(decision.failed.toSorted()) === shown([...failed].toSorted())
  );
}

function shares(tally: Readonly<Record<string, number>>): string {
  return Object.entries(tally)
    .map(([name, count]) => `${name} ${count} (${((100 * count) / CASES).toFixed(1)} %)`)
    .join(", ");
}
