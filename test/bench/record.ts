import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { atMost, type Benchmark, compare } from "./result.ts";
import { interleave } from "./rounds.ts";

const EVENTS = 1_000_000;
const QUICK_EVENTS = 10_000;
const WRITERS = 2;

/** (f) Reading a large record. */
export const record: Benchmark = {
  id: "f",
  title: "A large record (1,000,000 events, of two processes)",
  means: [
    "verify: agent-keys verify, the whole process; floor: sha256sum of the file, and " +
      "JSON.parse of each of its lines in a process whose start is not counted",
    "ls: agent-keys ls --limit 50; floor: node -e 0, which does nothing but start",
  ],
  async run({ directory, quick, rounds }) {
    const file = join(directory, "record.jsonl");
    await writeRecord(file, quick ? QUICK_EVENTS : EVENTS);
    const bin = consoleBin();
    const verified = await interleave(
      {
        ours: () => processMs(process.execPath, [bin, "verify", file]),
        floor: () => processMs("sha256sum", [file]) + parseMs(file),
      },
      // Every one is a process of its own, and the file was read by the system when it was written.
      { rounds, warmUp: 0 },
    );
    const listed = await interleave(
      {
        ours: () => processMs(process.execPath, [bin, "ls", "--limit", "50", "--file", file]),
        floor: () => processMs(process.execPath, ["--eval", "0"]),
      },
      { rounds, warmUp: 1 },
    );
    const unit = "ms";
    return [
      compare("verify", { unit, target: atMost(2) }, verified.ours, verified.floor),
      compare(
        "ls --limit 50",
        { unit, target: { of: "difference", atMost: 150 } },
        listed.ours,
        listed.floor,
      ),
    ];
  },
};

/** Real chains, by real keys, of several processes on one file. */
async function writeRecord(file: string, events: number): Promise<void> {
  const script = join(import.meta.dirname, "write-record.ts");
  const writers = Array.from({ length: WRITERS }, () =>
    spawn(process.execPath, [script, file, String(events / WRITERS)], { stdio: "inherit" }),
  );
  await Promise.all(writers.map(async (writer) => void (await once(writer, "exit"))));
  if (writers.some(({ exitCode }) => exitCode !== 0)) {
    throw new Error("the record could not be written");
  }
}

function consoleBin(): string {
  const manifest = createRequire(import.meta.url).resolve("@agent-keys/console/package.json");
  const { bin } = JSON.parse(readFileSync(manifest, "utf8")) as {
    readonly bin: Readonly<Record<string, string>>;
  };
  return join(dirname(manifest), bin["agent-keys"] ?? "");
}

/** Milliseconds from the start of a process to its end. */
function processMs(command: string, args: readonly string[]): number {
  const start = performance.now();
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  const tookMs = performance.now() - start;
  if (status === 0) return tookMs;
  throw new Error(`${command} ${args.join(" ")} failed: ${error?.message ?? stderr}`);
}

function parseMs(file: string): number {
  const script = join(import.meta.dirname, "parse-lines.ts");
  return Number(execFileSync(process.execPath, [script, file], { encoding: "utf8" }));
}
