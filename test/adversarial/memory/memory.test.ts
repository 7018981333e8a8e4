import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { workloads } from "./workloads.ts";

const directory = mkdtempSync(join(tmpdir(), "agent-keys-memory-"));
afterAll(() => rmSync(directory, { recursive: true }));

const PROGRAM = fileURLToPath(new URL("./program.ts", import.meta.url));
/** The whole heap, frameworks included: what is kept of each call would fill it soon enough. */
const HEAP_MB = 96;
const STEPS = 4_000;
/** What may be more after as many steps again: half of what one small object in a list takes. */
const MARGIN_BYTES = 20 * STEPS;

const LEAK = "a leak of one small object";
const names = Object.keys(workloads("")).filter((name) => name !== LEAK);

/** How many bytes more are in use after as many steps again: what a leak adds, it adds every time. */
async function growth(name: string): Promise<number> {
  const path = join(directory, `${name.replaceAll(" ", "-")}.jsonl`);
  const options = ["--expose-gc", `--max-old-space-size=${HEAP_MB}`];
  const args = [...options, PROGRAM, name, String(STEPS), path];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const [once, twice, thrice] = JSON.parse(stdout) as [number, number, number];
  const more = Math.min(twice - once, thrice - twice);
  console.log(`${name}: ${once} bytes after ${STEPS} steps, ${more} more after as many again`);
  return more;
}

test("one small object that is kept of each step is found", async () => {
  expect(await growth(LEAK)).toBeGreaterThan(MARGIN_BYTES);
});

test.each(names)("nothing is kept of %s", async (name) => {
  expect(await growth(name)).toBeLessThan(MARGIN_BYTES);
});

test("the file of a file sink grew, so its calls were on record", () => {
  expect(statSync(join(directory, "a-file.jsonl")).size).toBeGreaterThan(3 * STEPS * 500);
});
