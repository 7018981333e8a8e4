import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import type { Contest } from "./broker/contest.ts";
import type { Benchmark, Row } from "./result.ts";

/** What a run measured, where and with what: the JSON of `--json` and `--out`. */
export interface Report {
  readonly v: 1;
  /** ISO 8601. */
  readonly date: string;
  readonly machine: {
    readonly processor: string;
    readonly cores: number;
    readonly memoryGib: number;
    readonly system: string;
  };
  /** What else the machine had to do when it began: programs that ran, over the last minute. */
  readonly load: number;
  readonly node: string;
  readonly versions: Readonly<Record<string, string>>;
  /** A run that only shows that everything works: its numbers mean nothing. */
  readonly quick: boolean;
  readonly seconds: number;
  readonly benchmarks: readonly {
    readonly id: string;
    readonly title: string;
    readonly means: readonly string[];
    readonly contests: readonly Contest[];
    readonly rows: readonly Row[];
  }[];
}

/** Says where and with what was measured. */
export function report(
  measured: readonly {
    readonly benchmark: Benchmark;
    readonly contests: readonly Contest[];
    readonly rows: readonly Row[];
  }[],
  { load, quick, seconds }: Pick<Report, "load" | "quick" | "seconds">,
): Report {
  return {
    v: 1,
    date: new Date().toISOString(),
    machine: {
      processor: cpus()[0]?.model.trim() ?? "unknown",
      cores: cpus().length,
      memoryGib: Math.round(totalmem() / 2 ** 30),
      system: `${process.platform} ${release()} ${process.arch}`,
    },
    load: Math.round(load * 10) / 10,
    node: process.versions.node,
    versions: Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])),
    quick,
    seconds: Math.round(seconds),
    benchmarks: measured.map(({ benchmark: { id, title, means }, contests, rows }) => ({
      id,
      title,
      means,
      contests,
      rows,
    })),
  };
}

const PACKAGES = [
  "@agent-keys/core",
  "ai",
  "@langchain/core",
  "jose",
  "zod",
  "undici",
  "http-proxy-3",
  "@fastify/reply-from",
];

function versionOf(name: string): string {
  const places = createRequire(import.meta.url).resolve.paths(name) ?? [];
  for (const place of places) {
    try {
      const manifest = readFileSync(join(place, name, "package.json"), "utf8");
      return (JSON.parse(manifest) as { readonly version: string }).version;
    } catch {
      // Installed further up, then.
    }
  }
  return "unknown";
}
