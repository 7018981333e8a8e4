/** What LangSmith's own tracer gives its client to send, in order. */
import { describe, expect, test } from "vitest";
import { byCall, call, compareRuns, type Run } from "../compare.ts";
import { callOf } from "../model-server.ts";
import { id, noting } from "./cases.ts";
import { directDrivers } from "./direct-drivers.ts";
import type { Driver } from "./drivers.ts";
import { agentDrivers, allAgents } from "./graph-drivers.ts";
import { byMiddleware, runOf, type Scenario, type Wrapping } from "./observe.ts";
import { type LangChain, versions, withAgents, withMiddleware } from "./versions.ts";

/** A run, with what LangSmith would have been sent of it beside what else is seen. */
function traced(lang: LangChain, driver: Driver, scenario: Scenario, wrapping?: Wrapping): Run {
  return async (journal, wrap) => {
    const sent: unknown[] = [];
    const send =
      (what: string) =>
      async (...facts: readonly unknown[]): Promise<void> => {
        // Before more comes to it: the client would serialise it here.
        sent.push([what, JSON.parse(JSON.stringify(facts))]);
        await Promise.resolve();
      };
    const client = { createRun: send("create"), updateRun: send("update") };
    const tracer = new lang.langsmith.LangChainTracer({ client });
    tracer.awaitHandlers = true;
    const config = (): object => ({
      callbacks: [tracer],
      metadata: { request: 1 },
      tags: ["mine"],
      runName: "a run",
    });
    const run = runOf(lang, driver, { ...scenario, config }, wrapping);
    const { wire, seen } = await run(journal, wrap);
    // As many as there are runs, and each has ended.
    expect(sent.length).toBeGreaterThan(1);
    expect(sent.length % 2).toBe(0);
    return { wire, seen: [seen, sent] };
  };
}

const scenario: Scenario = {
  tools: (journal, lang) => [
    noting(lang, journal, "get", (input) => [input.id, { raw: input }], {
      responseFormat: "content_and_artifact",
      metadata: { team: "a" },
      tags: ["t"],
    }),
    noting(lang, journal, "outer", async (input, config) => {
      const child = lang.runnables.RunnableLambda.from((given: string) => `${given}!`);
      return await child.invoke(input.id, config);
    }),
    noting(lang, journal, "fails", () => {
      throw new RangeError("no such ticket");
    }),
  ],
  turns: [
    { calls: ["get", "outer"].map((name) => ({ id: `call-${name}`, name, args: id })) },
    callOf("fails", id),
  ],
};
const audit = byCall([...call("get"), ...call("outer"), ...call("fails", "error")]);

describe.each(versions)("$name", (lang) => {
  const drivers = directDrivers.filter(({ name }) => ["tool.invoke", "tool.stream"].includes(name));
  test.each(drivers)("$name", async (driver) => {
    expect(await compareRuns(traced(lang, driver, scenario))).toEqual(audit);
  });
});

describe.each(withAgents)("$name", (lang) => {
  test.each(allAgents)("$name", async (driver) => {
    expect(await compareRuns(traced(lang, driver, scenario))).toEqual(audit);
  });
});

describe.each(withMiddleware)("$name", (lang) => {
  test.each(agentDrivers)("$name, with the middleware", async (driver) => {
    // There an error rejects the run.
    const { turns, ...rest } = scenario;
    const fine = { ...rest, turns: turns.slice(0, 1) };
    expect(await compareRuns(traced(lang, driver, fine, byMiddleware))).toEqual(
      byCall([...call("get"), ...call("outer")]),
    );
  });
});
