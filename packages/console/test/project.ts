import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { agentKeys, environment, type Ran, startAgentKeys, temporaryDirectory } from "./command.ts";

/** What the upstream asks for, and nobody but the broker may know. */
export const SECRET = "canary-upstream-8hTgBn2wXy";

const PACKAGES = fileURLToPath(new URL("../../", import.meta.url));

/** A user's directory: our packages installed, and what `agent-keys init` writes. */
export function project(): Disposable & {
  readonly path: string;
  /** What init said, and the configuration it wrote. */
  readonly init: Ran;
  readonly config: string;
  /** Starts the broker on any port, and waits until it is up. */
  start(env?: Record<string, string>, ...flags: string[]): Promise<StartedBroker>;
  /** Puts a file there. */
  write(name: string, content: string): string;
  /** Edits the configuration. */
  edit(change: (config: string) => string): void;
} {
  const directory = temporaryDirectory();
  const { path } = directory;
  const at = (name: string): string => join(path, name);
  mkdirSync(at("node_modules/@agent-keys"), { recursive: true });
  for (const name of ["broker", "core", "secrets", "stores"]) {
    symlinkSync(join(PACKAGES, name), at(`node_modules/@agent-keys/${name}`));
  }
  // Once: what is tested in a project is what comes after.
  const { init, config, key } = (initialised ??= initialise());
  const write = (name: string, content: string): string => {
    writeFileSync(at(name), content);
    return at(name);
  };
  write(CONFIG, config);
  writeFileSync(at(KEY), key, { mode: 0o600 });
  return {
    path,
    init,
    config,
    write,
    edit: (change) => {
      write(CONFIG, change(readFileSync(at(CONFIG), "utf8")));
    },
    async start(env = {}, ...flags) {
      const command = startAgentKeys(["broker", "--port", "0", ...flags], { cwd: path, env });
      const said = await command.said("broker on http").catch(async (error: unknown) => {
        await command[Symbol.asyncDispose]();
        throw error;
      });
      const [, url = ""] = /broker on (\S+),/.exec(said) ?? [];
      return Object.assign(command, { url });
    },
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

const CONFIG = "agent-keys.config.ts";
const KEY = "agent-keys.key";

interface Initialised {
  readonly init: Ran;
  readonly config: string;
  readonly key: string;
}
let initialised: Initialised | undefined;

function initialise(): Initialised {
  using directory = temporaryDirectory();
  const { path: cwd } = directory;
  const init = agentKeys(["init"], { cwd });
  const read = (name: string): string => readFileSync(join(cwd, name), "utf8");
  return { init, config: read(CONFIG), key: read(KEY) };
}

/** A broker that is up. */
export type StartedBroker = ReturnType<typeof startAgentKeys> & { readonly url: string };

/** The service `github` as it is, with an upstream of the test's own behind it. */
export function realGithubAt(upstream: string): (config: string) => string {
  const made = `defineGithub({ baseUrl: ${JSON.stringify(upstream)}, network: "private" })`;
  return (config) =>
    config
      .replace("import { github }", "import { defineGithub }")
      .replace("services: [github]", `services: [${made}]`);
}

/** Has the broker put a smaller service `github` at an upstream of the test's own. */
export function githubAt(upstream: string): (config: string) => string {
  const service = `import { bearer, defineService } from "@agent-keys/broker";
const github = defineService({
  name: "github",
  baseUrl: ${JSON.stringify(upstream)},
  network: "private",
  credential: bearer(),
  scopes: {
    "repos.read": ["GET /repos/:owner/:repo"],
    "repos.delete": ["DELETE /repos/:owner/:repo"],
    "issues.read": ["GET /repos/:owner/:repo/issues"],
  },
});`;
  const imported = 'import { github } from "@agent-keys/broker/services";';
  return (config) => config.replace(imported, service);
}

/** An upstream that takes nothing but the secret. It answers when it is told to, or at once. */
export async function openUpstream(
  answer: (response: ServerResponse, request: IncomingMessage) => void = (response) =>
    void response.end('{"full_name":"octocat/Hello-World"}'),
): Promise<AsyncDisposable & { readonly url: string; readonly seen: readonly string[] }> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    response.setHeader("content-type", "application/json");
    if (request.headers.authorization === `Bearer ${SECRET}`) answer(response, request);
    else response.writeHead(401).end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The environment that init printed, with the broker where it really is. */
export function environmentFor({ stdout }: Ran, brokerUrl: string): Record<string, string> {
  const lines = stdout.trimEnd().split("\n");
  const env = Object.fromEntries(lines.map((line) => line.split("=", 2) as [string, string]));
  return { ...env, AGENT_KEYS_BROKER: brokerUrl };
}

/** Runs an agent's process: a program of the user's, in the user's directory. */
export async function runAgent(
  file: string,
  options: { readonly cwd: string; readonly env: Record<string, string> },
): Promise<Ran> {
  const child = spawn(process.execPath, ["--conditions=@agent-keys/source", file], {
    cwd: options.cwd,
    env: environment(options.env),
  });
  const [stdout, stderr] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { status: child.exitCode, stdout, stderr };
}
