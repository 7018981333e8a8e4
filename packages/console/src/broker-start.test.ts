import { once } from "node:events";
import { rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { agentKeys, runHere } from "../test/command.ts";
import {
  githubAt,
  openUpstream,
  project,
  runAgent,
  environmentFor,
  SECRET,
} from "../test/project.ts";

const ONE_LINE_AND_A_HINT = /^agent-keys: [^\n]+\nhint: [^\n]+\n$/;

let home: ReturnType<typeof project>;
beforeEach(() => {
  home = project();
  home.edit(githubAt("http://127.0.0.1:1"));
});
afterEach(() => home[Symbol.dispose]());

const AGENT = `
    import { createAgentKeys, keyFetch } from "@agent-keys/core";
    const keys = createAgentKeys({ agent: "my-agent", policy: "allow-all", audit: () => undefined });
    await keys.withAgentKey("github:repos.read", async (_, key) => {
      console.log((await keyFetch(key.baseUrl("github") + "/repos/o/r")).status);
    });
    await keys.flush();`;

describe("what keeps it from starting is a line, a hint and exit 2", () => {
  const start = (...args: string[]) =>
    agentKeys(["broker", ...args], { cwd: home.path, env: { GITHUB_TOKEN: "ghp_canary" } });

  test.each<[string, () => string[], RegExp]>([
    [
      "a typing error",
      () => ["--config", home.write("a.ts", "export default {")],
      /a\.ts: .*\nhint: /,
    ],
    [
      "a package that is not installed",
      () => {
        rmSync(join(home.path, "node_modules"), { recursive: true });
        return [];
      },
      /Cannot find package '@agent-keys\/broker'.*\nhint: npm install .*@agent-keys\/broker/,
    ],
    [
      "nothing exported",
      () => ["--config", home.write("a.ts", "export const x = 1;")],
      /a\.ts has no default export/,
    ],
    [
      "a service without a secret",
      () => {
        home.edit((config) => config.replace('github: env("GITHUB_TOKEN")', ""));
        return [];
      },
      /agent-keys\.config\.ts: secrets\.github: is missing.*\nhint: as in secrets: \{ github: "env:GITHUB_TOKEN"/,
    ],
    [
      "a policy for a scope that there is not",
      () => {
        home.edit((config) => config.replace("github:repos.read", "github:repo.read"));
        return [];
      },
      /agent-keys\.config\.ts: issuers.*github:repo\.read\nhint: agent-keys services --explain/,
    ],
    [
      "no secrets at all",
      () => {
        home.edit((config) => config.replace(/^ {2}secrets: .*$/m, ""));
        return [];
      },
      /: secrets\.github: is missing.*\nhint: as in secrets: \{ github: "env:GITHUB_TOKEN" \}/,
    ],
    [
      "a secret itself, which is not repeated",
      () => {
        home.edit((config) => config.replace('env("GITHUB_TOKEN")', '"ghp_canary"'));
        return [];
      },
      /: secrets\.github: must be the source(?!.*canary)/,
    ],
    [
      "a secret for a variable's name, which is not repeated",
      () => {
        home.edit((config) => config.replace('"GITHUB_TOKEN"', 'process.env["GITHUB_TOKEN"]'));
        return [];
      },
      /: env: must be the name of a variable(?!.*canary)/,
    ],
    [
      "a service of its own make",
      () => {
        home.edit((config) => config.replace("[github]", "[github, { name: 'mail' }]"));
        return [];
      },
      /: services\[1\] is not made by defineService\(\)/,
    ],
    [
      "a certificate that is not there",
      () => {
        home.edit((config) =>
          config.replace("port: 4949", 'tls: { cert: "nowhere.pem", key: "nowhere.key" }'),
        );
        return [];
      },
      /: tls\.cert: ENOENT/,
    ],
    [
      "several errors at once",
      () => ["--config", home.write("a.ts", "throw new AggregateError([new Error('the first')]);")],
      /a\.ts: the first/,
    ],
    [
      "a reference that is wrong where it is written",
      () => {
        home.edit((config) => config.replace('env("GITHUB_TOKEN")', '"env:GITHUB-TOKEN"'));
        return [];
      },
      /: secrets\.github: this is not the name of a variable \(character 5 .*\nhint: as in secrets/,
    ],
    [
      "a secret for no service",
      () => ["--secret", "gitlab=env:GITHUB_TOKEN"],
      /--secret: there is no service "gitlab"\nhint: services are github/,
    ],
    [
      "a secret itself on the command line, which is not repeated",
      () => ["--secret", "github=ghp_canary"],
      /--secret github: must be the source(?!.*canary)/,
    ],
    [
      "a secret alone on the command line, which is not repeated",
      () => ["--secret", "ghp_canary"],
      /--secret must be service=reference\nhint: .*(?!.*canary)/,
    ],
    ["an open door", () => ["--host", "0.0.0.0"], /host: is not loopback/],
  ])("%s", (_, prepare, message) => {
    const { status, stdout, stderr } = start(...prepare());
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(ONE_LINE_AND_A_HINT);
    expect(stderr).toMatch(message);
  });

  test("a port that is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const { status, stderr } = start("--port", `${port}`);
    other.close();
    expect(status).toBe(2);
    expect(stderr).toMatch(ONE_LINE_AND_A_HINT);
    expect(stderr).toContain(`127.0.0.1:${port} is in use`);
  });
});

test("what the command line says of a secret comes before the configuration", async () => {
  await using upstream = await openUpstream();
  home.edit((config) => config.replace("http://127.0.0.1:1", upstream.url));
  const env = { GITHUB_TOKEN: "another", FROM_FLAG: SECRET };
  await using broker = await home.start(env, "--secret", "github=env:FROM_FLAG");
  const agent = await runAgent(home.write("agent.mts", AGENT), {
    cwd: home.path,
    env: environmentFor(home.init, broker.url),
  });
  expect(agent.stdout).toBe("200\n");
});

describe("--env-file", () => {
  test.each([
    ["sets what the environment has not", {}, "200\n"],
    ["leaves what the environment has", { GITHUB_TOKEN: "another" }, "401\n"],
  ])("%s", async (_, env, answer) => {
    await using upstream = await openUpstream();
    home.edit((config) => config.replace("http://127.0.0.1:1", upstream.url));
    home.write(".env.broker", `GITHUB_TOKEN="${SECRET}" # the broker's alone\n`);
    await using broker = await home.start(env, "--env-file", ".env.broker");
    const agent = await runAgent(home.write("agent.mts", AGENT), {
      cwd: home.path,
      env: environmentFor(home.init, broker.url),
    });
    expect([agent.stdout, agent.stderr]).toEqual([answer, ""]);
    expect(await broker.said("broker on")).toContain(
      "agent-keys: .env.broker is open to group or others\nhint: it has credentials: chmod 600 ",
    );
  });

  test("one that cannot be read is a line and a hint", async () => {
    for (const [path, why] of [
      [join(home.path, "nowhere"), "does not exist"],
      [home.path, "cannot be read (EISDIR)"],
    ] as const) {
      const { status, stderr } = await runHere(["broker", "--env-file", path]);
      expect(status).toBe(2);
      expect(stderr).toBe(`agent-keys: ${path} ${why}\nhint: it has lines like GITHUB_TOKEN=...\n`);
    }
  });
});
