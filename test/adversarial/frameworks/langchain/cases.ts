import { describe, expect, test } from "vitest";
import * as z from "zod";
import { byCall, compareRuns, type Journal } from "../compare.ts";
import type { Driver } from "./drivers.ts";
import { runOf, type Scenario, type Wrapping } from "./observe.ts";
import type { LangChain } from "./versions.ts";

/** A scenario that must run the same, and exactly what its audit says of it. */
export interface Case extends Scenario {
  readonly name: string;
  readonly audit: readonly string[];
  /** Only where a tool can be a generator. */
  readonly streaming?: boolean;
  /** Where a driver makes other calls of it than each of them once, and the audit says so. */
  readonly audits?: Readonly<Record<string, readonly string[]>>;
  /** Not with these drivers. */
  readonly except?: readonly string[];
  /** With these drivers in the newest version alone: older ones never end, wrapped or not. */
  readonly exceptOlder?: readonly string[];
}

/** Compares each case with each driver in each version. */
export function compareCases(
  cases: readonly Case[],
  on: {
    readonly versions: readonly LangChain[];
    readonly drivers: readonly Driver[];
    readonly wrapping?: Wrapping;
    /** Where they wait rather than work. */
    readonly concurrent?: boolean;
  },
): void {
  const group = on.concurrent === true ? describe.concurrent : describe;
  group.each(on.versions)("$name", (lang) => {
    group.each(on.drivers)("$name", (driver) => {
      const known = cases.filter(
        ({ streaming = false, except = [], exceptOlder = [] }) =>
          (lang.newest || (!streaming && !exceptOlder.includes(driver.name))) &&
          !except.includes(driver.name),
      );
      if (known.length === 0) return;
      test.each(known)("$name", async ({ audit, audits = {}, ...scenario }) => {
        const run = runOf(lang, driver, scenario, on.wrapping);
        expect(await compareRuns(run, { keyless: driver.long !== true })).toEqual(
          byCall(expectedOf(driver, audit, audits)),
        );
      });
    });
  });
}

function expectedOf(
  { name, times = 1, anonymous = false }: Driver,
  audit: readonly string[],
  audits: NonNullable<Case["audits"]>,
): readonly string[] {
  const lines = audits[name] ?? Array.from({ length: times }, () => audit).flat();
  return anonymous ? lines.map((line) => line.replace(/ call-\S+/, " -")) : lines;
}

export const schema = z.object({ id: z.string() });
export type Input = z.infer<typeof schema>;

/** The input that most calls have. */
export const id = { id: "t-1" };

/** A tool that notes what it was given, and does the rest by `body`. */
export function noting(
  { tools }: LangChain,
  journal: Journal,
  name: string,
  body: (input: Input, config: Config) => unknown,
  fields: object = {},
): object {
  return tools.tool(
    (input: Input, config: Config) => {
      journal.note(name, input, Object.keys(config).toSorted());
      return body(input, config);
    },
    { name, description: `the tool ${name}`, schema, ...fields },
  );
}

/** What a tool may find in its second argument. */
export interface Config {
  readonly writer?: (chunk: unknown) => void;
  readonly metadata?: Record<string, unknown>;
  readonly tags?: string[];
  readonly signal?: AbortSignal;
  readonly toolCall?: unknown;
}
