import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build, type BuildOptions } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { wrongWith } from "./program/outcome.ts";
import { projects } from "./projects.ts";
import { runtimes } from "./runtimes.ts";

const here = dirname(fileURLToPath(import.meta.url));
const main = join(here, "program/main.ts");

const tried = [...runtimes, ...projects];

// Inside the workspace, so that a bundle finds what it leaves outside.
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(here, "bundled-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function outputOf(file: string): Promise<string> {
  return (await promisify(execFile)(process.execPath, [file])).stdout;
}

const bundle = {
  entryPoints: [main],
  bundle: true,
  platform: "node",
  logLevel: "error",
} satisfies BuildOptions;
const REQUIRE =
  'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';

test("the program runs in this Node, and anything else it might say is told", async () => {
  const output = await outputOf(main);
  const now = Date.now();
  expect(wrongWith(output, now)).toBeUndefined();
  expect(wrongWith(output.replace("key_used_up", "allowed"), now)).toMatch(/^said/);
  expect(wrongWith(output.replace(/^.*"key\.denied".*\n/m, ""), now)).toMatch(/^recorded:/);
  expect(wrongWith(output, now + 61_000)).toMatch(/^recorded at /);
});

test("it runs as one ES module", async () => {
  const outfile = join(folder, "all.mjs");
  // The AI SDK and LangChain bring packages that are CommonJS.
  await build({ ...bundle, outfile, format: "esm", banner: { js: REQUIRE } });
  expect(wrongWith(await outputOf(outfile), Date.now())).toBeUndefined();
});

test("it runs as one CommonJS file", async () => {
  const outfile = join(folder, "all.cjs");
  await build({ ...bundle, outfile, format: "cjs" });
  expect(wrongWith(await outputOf(outfile), Date.now())).toBeUndefined();
});

test("it runs with core bundled into one adapter, and left outside by the rest", async () => {
  const adapter = join(folder, "langchain.mjs");
  const source = fileURLToPath(import.meta.resolve("@agent-keys/langchain"));
  await build({
    ...bundle,
    entryPoints: [source],
    format: "esm",
    outfile: adapter,
    external: ["jose", "zod", "@langchain/*"],
  });
  const outfile = join(folder, "two-cores.mjs");
  await build({
    ...bundle,
    outfile,
    format: "esm",
    banner: { js: REQUIRE },
    packages: "external",
    alias: { "@agent-keys/langchain": adapter },
  });
  const text = await readFile(adapter, "utf8");
  expect(text).toContain("agent-keys.ambient.v1");
  expect(await readFile(outfile, "utf8")).toMatch(/from "@agent-keys\/core"/);
  expect(wrongWith(await outputOf(outfile), Date.now())).toBeUndefined();
});

test("a CommonJS file requires the packages", async () => {
  const folder = join(here, "projects/commonjs");
  const { expectedLines } = createRequire(import.meta.url)(join(folder, "program.cjs")) as {
    readonly expectedLines: readonly string[];
  };
  expect(await outputOf(join(folder, "main.cjs"))).toBe(`${expectedLines.join("\n")}\n`);
});

test("docs/runtimes.md names exactly what test:runtimes runs", async () => {
  const docs = await readFile(join(here, "../../docs/runtimes.md"), "utf8");
  for (const { packages } of tried) for (const name of packages) expect(docs).toContain(name);
});
