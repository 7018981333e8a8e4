import { once } from "node:events";
import { chmodSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { agentKeys, jsonLines, runHere } from "../test/command.ts";
import { project } from "../test/project.ts";

const CANARY = "canary-Zq7vK2mX9pLw4sRt";

let home: ReturnType<typeof project>;
let server: Server;
let sealed = false;
beforeAll(async () => {
  home = project();
  // What a server of Vault answers to a login that was given, to a read, and to a look at the token.
  server = createServer((request, response) => {
    const data = { policies: ["default", "github-read"], display_name: "approle", ttl: 3_600 };
    const deletion_time = new Date(Date.now() + 600_000).toISOString();
    const stored = { data: { token: CANARY }, metadata: { deletion_time } };
    const isOwn = request.url?.endsWith("lookup-self") === true;
    response.writeHead(sealed ? 503 : 200);
    response.end(
      JSON.stringify({ data: isOwn ? data : stored, errors: sealed ? [CANARY] : undefined }),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
  home[Symbol.dispose]();
});
beforeEach(() => {
  sealed = false;
  vi.stubEnv("VAULT_ADDR", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv("VAULT_TOKEN", `hvs.${CANARY}`);
  vi.stubEnv("A_TOKEN", CANARY);
});
afterEach(() => vi.unstubAllEnvs());

const check = async (...args: string[]) => {
  const ran = await runHere(["secrets", "check", ...args]);
  expect(ran.stdout + ran.stderr).not.toContain(CANARY);
  const table = args.includes("--json") ? "" : ran.stdout;
  for (const line of table.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  return ran;
};

test("says of each reference whether it resolves, how long it lives, and who may read it", async () => {
  const file = home.write("token", CANARY);
  chmodSync(file, 0o600);
  const { status, stdout, stderr } = await check(
    `file:${file}`,
    "vault:kv/github#token",
    "env:A_TOKEN",
    "env:NOT_SET_HERE",
  );
  expect([status, stderr]).toEqual([1, ""]);
  const lines = stdout.split("\n");
  expect(lines[0]).toBe("SECRET OF  RESOLVES  LIVES      WHERE, AND WHO READS IT");
  expect(stdout).toMatch(/^- {10}yes {7}no expiry {2}file:\/.*\n/m);
  expect(stdout).toContain("alone (mode 0600)");
  expect(stdout).toMatch(
    /^- {10}yes {7}(?:9|10) min {4,5}vault:kv\/github#token\n {32}token approle with default, github-read$/m,
  );
  expect(stdout).toMatch(/^- {10}yes {7}no expiry {2}env:A_TOKEN\n {32}this user, in \/proc/m);
  expect(stdout).toMatch(/^- {10}no {8}- {10}env:NOT_SET_HERE\n {32}the variable is not set\n$/m);
});

test("all of a configuration, with what the environment adds", async () => {
  const config = home.write(
    "secrets.config.mjs",
    `import { bearer, defineConfig, defineService } from "@agent-keys/broker";
const named = (name) =>
  defineService({ name, baseUrl: "https://" + name + ".example.com", credential: bearer(), scopes: { read: ["GET /x"] } });
export default defineConfig({
  issuers: {},
  services: [named("tickets"), named("wiki")],
  secrets: { tickets: "env:A_TOKEN" },
  audit: () => undefined,
});`,
  );
  vi.stubEnv("AGENT_KEYS_SECRET_WIKI", "vault:kv/wiki#token");
  const ran = await check("--config", config, "--json");
  expect(ran.status).toBe(0);
  expect(jsonLines(ran)).toEqual([
    {
      service: "tickets",
      source: "env:A_TOKEN",
      resolves: true,
      readableBy: expect.stringContaining("this user") as unknown,
    },
    {
      service: "wiki",
      source: "vault:kv/wiki#token",
      resolves: true,
      expiresAt: expect.stringMatching(/^2\d{3}-.*Z$/) as unknown,
      readableBy: "token approle with default, github-read",
    },
  ]);
  vi.stubEnv("AGENT_KEYS_SECRET_WIKI", CANARY);
  const wrong = await check("--config", config);
  expect(wrong.status).toBe(2);
  expect(wrong.stderr).toMatch(
    /^agent-keys: AGENT_KEYS_SECRET_WIKI: must be the source .*\nhint: /,
  );
});

test("a manager that is sealed is a finding, with nothing of what it says", async () => {
  sealed = true;
  const { status, stdout } = await check("vault:kv/github#token");
  expect(status).toBe(1);
  expect(stdout).toContain("sealed");
});

test("a reference that is none is a failure, and the character is shown", async () => {
  const { status, stdout, stderr } = await check("env:A_TOKEN", "vault:kv/github?version=3");
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toBe(
    `agent-keys: #field is missing (character 16 of a reference to a secret)
  vault:kv/github?…
                 ^
hint: it is written vault:<mount>/<path>#<field>[?version=3&namespace=…&kv=1&mount=…]
`,
  );
});

test.each([
  [["secrets"], /secrets is followed by check\nhint: agent-keys secrets check --help/],
  [["secrets", "list"], /secrets is followed by check/],
  [
    ["secrets", "check", CANARY],
    /a reference must begin with env:, file:.*\nhint: as in env:GITHUB/,
  ],
  [["secrets", "check", "--nope"], /secrets has no flag --nope/],
  [["secrets", "check", "--config", "/nowhere/x.ts"], /\/nowhere\/x\.ts does not exist/],
])("%j is exit 2, a line and a hint", async (args, said) => {
  const { status, stdout, stderr } = await runHere(args);
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(said);
  expect(stderr).not.toContain(CANARY);
});

test("the variables of --env-file are those of the broker", () => {
  const file = join(home.path, ".env.check");
  home.write(".env.check", `ONLY_IN_FILE=${CANARY}\n`);
  const { status, stdout } = agentKeys(
    ["secrets", "check", "--env-file", file, "env:ONLY_IN_FILE"],
    { cwd: home.path },
  );
  expect(status).toBe(0);
  expect(stdout).toContain("env:ONLY_IN_FILE");
  expect(stdout).not.toContain(CANARY);
});
