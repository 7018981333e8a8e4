import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { agentKeyErrorCodes } from "@agent-keys/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { documentedCode } from "./documented-code.ts";
import { given } from "./given.ts";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const tsc = join(root, "node_modules/typescript/bin/tsc");
const blocks = documentedCode(root);

let folder: string;

beforeAll(async () => {
  // Inside the workspace, so that the packages are found as a user's project finds them.
  folder = await mkdtemp(join(here, "compiled-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function compile(files: Readonly<Record<string, string>>): Promise<string> {
  const options = {
    extends: join(root, "tsconfig.base.json"),
    compilerOptions: { noEmit: true, noUnusedLocals: false, customConditions: [] },
    include: Object.keys(files),
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(options));
  await Promise.all(
    Object.entries(files).map(([name, code]) => writeFile(join(folder, name), code)),
  );
  const run = promisify(execFile)(process.execPath, [tsc, "-p", folder]);
  return run.then(
    () => "",
    (error: { stdout?: string }) => error.stdout ?? "tsc did not run",
  );
}

test("there is code to compile in the README files and in doc comments", () => {
  const places = blocks.map(({ where }) => where);
  expect(places.some((where) => where.startsWith("README.md"))).toBe(true);
  expect(places.some((where) => where.startsWith("packages/core/src/"))).toBe(true);
  for (const name of blocks.flatMap((block) => block.given ?? []))
    expect(given).toHaveProperty(name);
});

test("every documented snippet compiles against the built packages", async () => {
  const files = Object.fromEntries(
    blocks.map(({ where, code, given: name }, index) => [
      `${index}-${where.replace(/\W+/g, "-")}.ts`,
      `// ${where}\n${given[name ?? ""] ?? ""}\n${code}\nexport {};\n`,
    ]),
  );
  expect(await compile(files)).toBe("");
});

test("a snippet that does not compile is found", async () => {
  expect(
    await compile({ "wrong.ts": 'import { nothing } from "@agent-keys/core";\nnothing();\n' }),
  ).toMatch(/wrong\.ts.*TS2305/);
});

test("the README explains every error code, and no other", async () => {
  const readme = await readFile(join(root, "README.md"), "utf8");
  const table = readme.slice(readme.indexOf("## When something is refused"));
  const codes = [...table.matchAll(/^\| `(\w+)` +\|/gm)].map((match) => match[1]);
  expect(codes).toHaveLength(agentKeyErrorCodes.length);
  expect(new Set(codes)).toEqual(new Set(agentKeyErrorCodes));
});
