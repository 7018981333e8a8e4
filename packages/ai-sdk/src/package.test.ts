import { readdirSync, readFileSync } from "node:fs";
import { currentKey } from "@agent-keys/core";
import { testKeys } from "@agent-keys/core/testing";
import { expect, test } from "vitest";
import { wrapTool } from "./index.ts";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");

test("nothing is imported from ai, nor its types: one build serves all majors", () => {
  const sources = readdirSync(new URL(".", import.meta.url)).filter(
    (file) => file.endsWith(".ts") && !/\.test(-d)?\.ts$/.test(file),
  );
  const imported = sources.flatMap((file) =>
    [...read(file).matchAll(/^(?!\s*\*).*\b(?:from|import)\s*\(?"([^"]+)"/gm)].map(
      ([, name]) => name,
    ),
  );

  expect(sources).toContain("wrap-tools.ts");
  const packages = new Set(imported.filter((name) => !name?.startsWith("./")));
  expect(packages).toEqual(new Set(["@agent-keys/core", "@agent-keys/core/wrap"]));
});

test("the peer range is the majors that are tested, from the first that has the fixes", () => {
  const { peerDependencies } = JSON.parse(read("../package.json")) as {
    peerDependencies: Record<string, string>;
  };
  expect(peerDependencies).toEqual({
    "@agent-keys/core": "^0.1.0",
    ai: "^5.0.11 || ^6.0.0 || ^7.0.0",
  });
});

test("the README pins the major of ai in every install line", () => {
  const installs = read("../README.md").match(/npm (?:i|install) .*/g) ?? [];
  expect(installs.length).toBeGreaterThan(0);
  for (const line of installs) expect(line).not.toMatch(/(^|\s)ai(\s|$)/);
  expect(installs.join("\n")).toMatch(/\sai@7\b/);
});

test("a second copy of the core, as a bundler makes, sees the same key", async () => {
  const keys = testKeys();
  const path = "../../core/src/context.ts?second";
  const copy = (await import(/* @vite-ignore */ path)) as { currentKey: typeof currentKey };
  expect(copy.currentKey).not.toBe(currentKey);
  const tool = { execute: () => [copy.currentKey()?.id, currentKey()?.id] };

  const ids = wrapTool(tool, { keys, name: "tool", scope: "a:b" }).execute();

  expect(ids[0]).toBeTypeOf("string");
  expect(ids[0]).toBe(ids[1]);
});
