import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { afterEach, expect, test } from "vitest";
import { env } from "./env.ts";
import { secretSourceContract } from "./testing/index.ts";

const used: string[] = [];
afterEach(() => {
  for (const name of used.splice(0)) delete process.env[name];
});

function open() {
  const name = `AGENT_KEYS_TEST_${randomBytes(8).toString("hex")}`;
  used.push(name);
  return {
    source: env(name),
    set: (value: string | undefined): void => {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    },
  };
}

secretSourceContract({ test, open });

test("is called what it is", () => {
  expect(env("GITHUB_TOKEN").name).toBe("env:GITHUB_TOKEN");
});

test("the cause says which variable, and what is wrong with it", async () => {
  const { source, set } = open();
  await expect(source.read()).rejects.toMatchObject({
    cause: new Error(`${source.name}: the variable is not set`),
  });
  set("");
  await expect(source.read()).rejects.toMatchObject({
    cause: new Error(`${source.name}: the variable is empty`),
  });
});

test.each([undefined, "", "A=B", "A B", "1A", "sk-proj-canary", "x".repeat(200), 7])(
  "%j is no variable's name, and is not repeated",
  (given) => {
    expect(() => env(given as string)).toThrow(NOT_A_NAME);
  },
);

const NOT_A_NAME = new TypeError(
  'env: must be the name of a variable, such as "GITHUB_TOKEN", and not its value',
);

test("a value that could be a name is not taken for one, nor repeated", () => {
  const { source, set } = open();
  set("ghp_canary5tGb");
  expect(() => env("ghp_canary5tGb")).toThrow(NOT_A_NAME);
  set("GITHUB_TOKEN");
  expect(env("GITHUB_TOKEN").name).toBe("env:GITHUB_TOKEN");
  set(source.name.slice(4));
  expect(env(source.name.slice(4)).name).toBe(source.name);
});

test("a source says nothing but its name", () => {
  const { source, set } = open();
  set("canary-5tGb");
  expect(JSON.stringify(source)).toBe(JSON.stringify({ name: source.name }));
  expect(inspect(source, { showHidden: true, depth: null })).not.toContain("canary");
  expect(Object.isFrozen(source)).toBe(true);
});
