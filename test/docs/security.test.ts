import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = new URL("../../", import.meta.url);
const text = readFileSync(new URL("SECURITY.md", root), "utf8");
const guaranteed = text.slice(
  text.indexOf("## What is guaranteed"),
  text.indexOf("## What is not a vulnerability"),
);

interface Named {
  readonly title: string;
  readonly file: string;
}

const namedIn = (part: string): readonly Named[] =>
  [...part.matchAll(/\[([^\]]+)\]\(([^)]+\.test\.ts)\)/g)].map(([, title = "", file = ""]) => {
    // A title may go on over the end of a line.
    return { title: title.replaceAll(/\s+/g, " "), file };
  });

/** What keeps a test from being the one that is meant, or `undefined`. */
function missing({ title, file }: Named): string | undefined {
  const url = new URL(file, root);
  if (!existsSync(url)) return `there is no ${fileURLToPath(url)}`;
  const stated = readFileSync(url, "utf8")
    .split("\n")
    .filter((line) => !/^\s*(\/\/|\*|\/\*)/.test(line))
    .flatMap((line) => [...line.matchAll(/"([^"]*)"|`([^`]*)`/g)])
    .some(([literal]) => literal.includes(title));
  return stated ? undefined : `no test of ${file} is called ${title}`;
}

const guarantees = guaranteed.split(/^- /m).slice(1);

test("SECURITY.md states its guarantees", () => {
  expect(guarantees.length).toBeGreaterThan(5);
});

describe("a guarantee names its tests, which there are", () => {
  test.each(guarantees.map((part) => [part.slice(0, 50).replaceAll(/\s+/g, " "), part] as const))(
    "%s",
    (_, part) => {
      const named = namedIn(part);
      expect(named.length).toBeGreaterThan(0);
      expect(named.map(missing)).toEqual(named.map(() => undefined));
    },
  );
});

test("a file or a test that there is not is told", () => {
  const file = "packages/core/src/delegation.test.ts";
  const title = "a delegated key is never wider than its parent:";
  expect(missing({ title, file })).toBeUndefined();
  expect(missing({ title: `${title} or so`, file })).toMatch(/^no test of/);
  expect(missing({ title, file: "packages/core/src/none.test.ts" })).toMatch(/^there is no/);
});
