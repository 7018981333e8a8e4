import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { refusal, wrap } from "../../test/wrapped-tool.ts";
import { AgentKeyError } from "../errors.ts";
import { safeCause } from "./safe-cause.ts";

class LookupError extends Error {
  override readonly name = "LookupError";
  readonly asked = "CANARY";
}

function looksUp(message: string, options?: ErrorOptions): LookupError {
  return new LookupError(message, options);
}

describe("of an error that a developer's function threw", () => {
  test.each(["", "no repo CANARY", "two\n    at CANARY (x.ts:1:1)\nlines", "E", "Error: CANARY"])(
    "the class and the frames are kept, and nothing else: %j",
    (message) => {
      const safe = safeCause(
        "the scope function",
        looksUp(message, { cause: new Error("CANARY") }),
      );
      expect(safe.message).toBe("the scope function threw LookupError");
      expect(safe.stack).toMatch(/^Error: the scope function threw LookupError\n {4}at looksUp /);
      expect(safe.stack).toContain("safe-cause.test.ts");
      expect(inspect(safe, { depth: Infinity, showHidden: true })).not.toContain("CANARY");
    },
  );

  test.each<[string, (error: Error) => unknown]>([
    ["a changed message", (error) => Object.assign(error, { message: "other" })],
    ["a stack of its own", (error) => Object.assign(error, { stack: "CANARY" })],
    ["a stack that is no text", (error) => Object.assign(error, { stack: { CANARY: 1 } })],
    ["a name of its own", (error) => Object.assign(error, { name: "CANARY" })],
    [
      "a cause in its stack",
      (error) =>
        Object.assign(error, { stack: `${error.stack}\nCaused by: CANARY\n    at CANARY` }),
    ],
    ["a class named by the input", () => new { "CANARY x": class extends Error {} }["CANARY x"]()],
    ["no error", () => "CANARY"],
    [
      "a stack that throws",
      (error) =>
        Object.defineProperty(error, "stack", {
          get: () => {
            throw new Error("CANARY");
          },
        }),
    ],
  ])("%s leaks nothing", (_, change) => {
    const thrown = change(looksUp("a\n    at CANARY (x.ts:1:1)"));
    const safe = safeCause("the scope function", thrown);
    expect(inspect(safe, { depth: Infinity, showHidden: true })).not.toContain("CANARY");
  });

  test("a refusal of its own is what it is", () => {
    const own = new AgentKeyError("approval_required");
    expect(safeCause("the scope function", own)).toBe(own);
  });

  test("a refused call hands on no more", () => {
    const throwing = (): never => {
      throw new TypeError("no repo CANARY");
    };
    const scoped = refusal(wrap({ scope: throwing }));
    expect(scoped).toMatchObject({
      code: "scope_invalid",
      cause: { message: "the scope function threw TypeError" },
    });
    const run = refusal(wrap({ options: { context: throwing } }));
    expect(run).toMatchObject({
      code: "input_invalid",
      cause: { message: "the context function threw TypeError" },
    });
    expect(inspect([scoped, run], { depth: Infinity, showHidden: true })).not.toContain("CANARY");
  });
});
