import { describe, expect, test } from "vitest";
import * as z from "zod";
import { byCall, compareRuns, type Journal } from "../compare.ts";
import { type Loop, loops, runOf, type Scenario } from "./observe.ts";
import type { Sdk } from "./sdks.ts";

/** A scenario that must run the same, and exactly what its audit says of it. */
export interface Case extends Scenario {
  readonly name: string;
  readonly audit: readonly string[];
}

/** Compares each case in each loop of each version. */
export function compareCases(
  cases: readonly Case[],
  on: { readonly sdks: readonly Sdk[]; readonly loops?: readonly Loop[] },
): void {
  describe.each(on.sdks)("$name", (sdk) => {
    describe.each(on.loops ?? loops)("%s", (loop) => {
      test.each(cases)("$name", async ({ audit, ...scenario }) => {
        expect(await compareRuns(runOf(sdk, loop, scenario))).toEqual(byCall(audit));
      });
    });
  });
}

export const inputSchema = z.object({ id: z.string() });
type Input = z.infer<typeof inputSchema>;
export type Options = Readonly<Record<string, unknown>>;

/** A tool that notes what it was given, and does the rest by `body`. */
export function noting<T>(
  journal: Journal,
  name: string,
  body: (input: Input, options: Options) => T,
) {
  return {
    description: `the tool ${name}`,
    inputSchema,
    execute: (input: Input, options: Options): T => {
      const { toolCallId, messages, ...rest } = options;
      journal.note(name, input, toolCallId, messages, Object.keys(rest).toSorted());
      return body(input, options);
    },
  };
}

/** The input that most calls have. */
export const id = { id: "t-1" };
