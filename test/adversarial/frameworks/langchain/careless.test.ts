/** The comparison itself: whatever a careless wrapper changes, it is seen. */
import { wrapTools } from "@agent-keys/langchain";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { byCall, call, compareRuns, type Journal } from "../compare.ts";
import { callOf } from "../model-server.ts";
import { plain } from "../plain.ts";
import { id, type Input, noting } from "./cases.ts";
import { agentDrivers } from "./graph-drivers.ts";
import { byWrapTools, runOf, type Scenario, type Tools, type Wrapping } from "./observe.ts";
import { type LangChain, newestOnly } from "./versions.ts";

const scenario: Scenario = {
  tools: (journal: Journal, lang: LangChain) => [
    noting(lang, journal, "get", (input: Input) => [input.id, { raw: input }], {
      responseFormat: "content_and_artifact",
      metadata: { team: "a" },
      tags: ["t"],
    }),
    noting(lang, journal, "nothing", () => undefined),
    noting(lang, journal, "fails", () => {
      throw new RangeError("no such ticket", { cause: "why" });
    }),
    noting(lang, journal, "rows", async function* (input: Input) {
      yield input.id;
      return "one row";
    }),
    noting(lang, journal, "final", (input: Input) => input.id, { returnDirect: true }),
  ],
  turns: [
    { calls: ["get", "rows"].map((name) => ({ id: `call-${name}`, name, args: id })) },
    callOf("nothing", id),
    callOf("fails", id),
    callOf("final", id),
  ],
};
const audit = byCall([
  ...call("get"),
  ...call("rows"),
  ...call("nothing"),
  ...call("fails", "error"),
  ...call("final"),
]);

/** A wrapped tool, that may be changed. */
interface Changeable {
  readonly name: string;
  tags?: string[];
  metadata?: object;
  description: string;
  schema: unknown;
  responseFormat?: string;
  returnDirect?: boolean;
  _call: (...args: unknown[]) => unknown;
}

type Careless = (tool: Changeable, lang: LangChain) => void;

/** Stands before the tool's body. */
const around =
  (how: (body: () => unknown, args: unknown[], lang: LangChain) => unknown): Careless =>
  (tool, lang) => {
    const original = tool._call;
    tool._call = (...args) => how(() => Reflect.apply(original, tool, args), args, lang);
  };

const careless: Readonly<Record<string, Careless>> = {
  "adds a tag": (tool) => void (tool.tags = [...(tool.tags ?? []), "wrapped"]),
  "adds metadata": (tool) => void (tool.metadata = { ...tool.metadata, wrapped: true }),
  "loses the tags": (tool) => void delete tool.tags,
  "adds a space to the description": (tool) => void (tool.description += " "),
  "makes the schema stricter": (tool) => void (tool.schema = z.strictObject({ id: z.string() })),
  "loses the artifact": (tool) => void (tool.responseFormat = "content"),
  "loses returnDirect": (tool) => void (tool.returnDirect = false),
  "changes a text": around(async (body) => {
    const result = await body();
    return result === "t-1" ? "t-1 " : result;
  }),
  "says null for nothing": around(async (body) => (await body()) ?? null),
  "renames an error": around(async (body) => {
    try {
      return await body();
    } catch (error) {
      throw Object.assign(error as Error, { name: "Error" });
    }
  }),
  "loses the cause of an error": around(async (body) => {
    try {
      return await body();
    } catch (error) {
      throw new RangeError((error as Error).message);
    }
  }),
  "answers for an error": around(async (body) => {
    try {
      return await body();
    } catch (error) {
      return `Error: ${(error as Error).message}`;
    }
  }),
  "runs the body twice": around(async (body) => {
    await body();
    return await body();
  }),
  "waits for what streams": (tool, lang) => {
    if (tool.name !== "rows") return;
    around(async (body) => {
      const rows = (await body()) as AsyncGenerator<unknown, unknown>;
      let next = await rows.next();
      while (next.done !== true) next = await rows.next();
      return next.value;
    })(tool, lang);
  },
  "adds to the config": around((body, args) => {
    Object.assign(args[2] as object, { wrapped: true });
    return body();
  }),
  "tells an event": around(async (body, args, { dispatch }) => {
    await dispatch.dispatchCustomEvent("wrapped", {}, args[2] as object);
    return await body();
  }),
};

const carelessly = (change: Careless, lang: LangChain): Wrapping => ({
  ...byWrapTools,
  tools: (bare, wrap) =>
    wrap(bare, (keys, scope): Tools => {
      const tools = wrapTools(bare, { keys, defaultScope: () => scope });
      for (const tool of tools) change(tool as Changeable, lang);
      return tools;
    }),
});

describe.each(newestOnly)("$name", (lang) => {
  describe.each(agentDrivers.slice(1, 2))("$name", (driver) => {
    test("a wrapper that changes nothing", async () => {
      const wrapping = carelessly(() => undefined, lang);
      expect(await compareRuns(runOf(lang, driver, scenario, wrapping))).toEqual(audit);
    });

    test.each(Object.entries(careless))("a wrapper that %s", async (_, change) => {
      const run = runOf(lang, driver, scenario, carelessly(change, lang));
      await expect(compareRuns(run)).rejects.toMatchObject({ name: "AssertionError" });
    });

    test("a wrapper that does nothing", async () => {
      const idle: Wrapping = { ...byWrapTools, tools: (bare) => bare };
      const run = runOf(lang, driver, scenario, idle);
      await expect(compareRuns(run)).rejects.toMatchObject({ name: "AssertionError" });
    });
  });
});

test("what makes two observations differ", () => {
  const [a, b] = ["00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"];
  expect(plain([a, b, a])).toEqual(plain([b, a, b]));
  expect(plain([a, b, a])).not.toEqual(plain([a, b, b]));
  expect(plain({ a: undefined })).not.toStrictEqual(plain({}));
  expect(plain(new RangeError("no"))).not.toStrictEqual(plain(new Error("no")));
  expect(plain([1, 2])).not.toStrictEqual(plain([2, 1]));
  expect(plain({ [Symbol.for("mark")]: 1 })).not.toStrictEqual(plain({}));
  expect(plain({ started_at: 1 })).toStrictEqual(plain({ started_at: 2 }));
});
