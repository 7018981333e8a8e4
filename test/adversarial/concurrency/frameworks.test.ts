import { currentKey } from "@agent-keys/core";
import { describe, expect, test } from "vitest";
import { seeded } from "../seeded.ts";
import { underLoad } from "./load.ts";
import { aiPaths, everyCall, expectedOutcomes, kinds, langchainPaths, plan } from "./plan.ts";

const CALLS = 10_000;

describe.each([
  { name: "the AI SDK", paths: aiPaths, seed: 7_431 },
  { name: "LangChain", paths: langchainPaths, seed: 90_125 },
])("10,000 calls at once in $name, with aborts, early ends, agents inside and throws", (suite) => {
  test("each key closes once, with its own call's end; nobody ever sees another's key", async () => {
    const runs = plan(seeded(`concurrency in ${suite.name}`, suite.seed), CALLS, suite.paths);
    const calls = everyCall(runs);
    expect(calls.length).toBeGreaterThanOrEqual(CALLS);
    expect(new Set(calls.map(({ call }) => call.kind))).toEqual(new Set(kinds));

    const { keys, ledger, witness, entered, busiest, stuck, tokens } = await underLoad(runs);

    expect(stuck).toEqual([]);
    expect(witness.problems).toEqual([]);
    expect(ledger.problems).toEqual([]);
    const wrong: string[] = [];
    let unmade = 0;
    for (const { call, run, parent, outerStop } of calls) {
      const keyId = ledger.keyOf.get(call.id);
      const key = ledger.keys.get(keyId ?? "");
      const is = `${call.id} ${run.path} ${run.stop} ${call.kind}: ${key?.outcome ?? "no key"}`;
      // What was to run inside something that stopped may have ended anyhow, or never been made.
      if (outerStop) {
        if (key === undefined && !entered.has(call.id)) unmade += 1;
        else if (key !== undefined && key.outcome === undefined) wrong.push(is);
        continue;
      }
      const expected = expectedOutcomes(call, run);
      const asExpected =
        key?.outcome === undefined ? expected.length === 0 : expected.includes(key.outcome);
      if (!asExpected) wrong.push(`${is}, not ${expected.join(" or ")}`);
      const refused = ledger.denied.get(call.id);
      if (refused !== (call.kind === "denied" ? "policy_denied" : undefined)) {
        wrong.push(`${is}, refused: ${refused}`);
      }
      const ran = call.kind !== "denied" && call.kind !== "abandoned";
      if (entered.has(call.id) !== ran) wrong.push(`${is}, ran: ${!ran}`);
      if (key !== undefined && key.tool !== call.kind) wrong.push(`${is}, for ${key.tool}`);
      const above = parent === undefined ? undefined : ledger.keyOf.get(parent.id);
      if (key !== undefined && key.parentId !== above) {
        wrong.push(`${is}, parent ${key.parentId}, not ${above}`);
      }
    }
    expect(wrong).toEqual([]);
    expect([...ledger.keys.values()].filter(({ outcome }) => outcome === undefined)).toEqual([]);
    expect(unmade).toBeLessThan(CALLS / 20);
    expect(currentKey()).toBeUndefined();

    // The load was one: thousands ran at the same time, and looked at their key again and again.
    expect(busiest).toBeGreaterThan(CALLS / 10);
    expect(witness.looks()).toBeGreaterThan(CALLS * 2);
    expect(calls.filter(({ parent }) => parent !== undefined).length).toBeGreaterThan(CALLS / 20);
    expect(tokens.length).toBeGreaterThan(CALLS / 50);
    const codes = await Promise.all(
      tokens.slice(0, 300).map(async (token) => await keys.verify(token).catch(codeOf)),
    );
    expect(new Set(codes)).toEqual(new Set(["key_closed"]));
  });
});

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}
