import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const manifest = createRequire(import.meta.url).resolve("@agent-keys/console/package.json");
const bin = join(dirname(manifest), "bin/agent-keys.js");

/** A directory of a user who has just installed the packages, and run init. */
let home: string;
let printed: string;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "agent-keys-e2e-"));
  mkdirSync(join(home, "node_modules"));
  for (const name of ["@agent-keys", "@types", "undici-types"]) {
    symlinkSync(join(root, "node_modules", name), join(home, "node_modules", name));
  }
  const init = spawnSync(process.execPath, [bin, "init"], { cwd: home, encoding: "utf8" });
  if (init.status !== 0) throw new Error(init.stderr);
  printed = init.stdout;
});
afterAll(() => rmSync(home, { recursive: true }));

// What `npm init` and `tsc --init` write differ: both kinds of package, as strict as it gets.
test.each(["module", "commonjs"])("what init wrote compiles in a package of type %s", (type) => {
  const compilerOptions = {
    module: "nodenext",
    target: "es2024",
    types: ["node"],
    strict: true,
    noEmit: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: type === "module",
    skipLibCheck: true,
  };
  writeFileSync(join(home, "package.json"), JSON.stringify({ type }));
  writeFileSync(
    join(home, "tsconfig.json"),
    JSON.stringify({ compilerOptions, include: ["agent-keys.config.ts"] }),
  );
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { stdout } = spawnSync(process.execPath, [tsc, "-p", home], { encoding: "utf8" });
  expect(stdout).toBe("");
});

test("the built command takes a user from init to a request", async () => {
  const seen: (string | undefined)[] = [];
  await using upstream = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.end('{"full_name":"octocat/Hello-World"}');
  }).listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const { port } = upstream.address() as AddressInfo;

  const config = readFileSync(join(home, "agent-keys.config.ts"), "utf8").replace(
    "services: [github]",
    `services: [defineGithub({ baseUrl: "http://127.0.0.1:${port}", network: "private" })]`,
  );
  writeFileSync(
    join(home, "local.config.ts"),
    config.replace("import { github }", "import { defineGithub }"),
  );
  const broker = spawn(
    process.execPath,
    [bin, "broker", "--config", "local.config.ts", "--port", "0"],
    { cwd: home, env: { ...process.env, GITHUB_TOKEN: "canary-6yHn" } },
  );
  const ended = once(broker, "exit");
  try {
    const [said] = (await once(broker.stderr.setEncoding("utf8"), "data")) as [string];
    const [, url = ""] = /^agent-keys: broker on (\S+), 1 service, 1 issuer\n$/.exec(said) ?? [];
    writeFileSync(
      join(home, "agent.mjs"),
      `
      import { createAgentKeys, keyFetch, memorySink } from "@agent-keys/core";
      const keys = createAgentKeys({ agent: "my-agent", policy: "allow-all", audit: memorySink() });
      await keys.withAgentKey("github:repos.read", async (token, key) => {
        const response = await keyFetch(key.baseUrl("github") + "/repos/octocat/Hello-World");
        console.log(response.status, await response.text());
      });
      await keys.flush();`,
    );
    const lines = printed.replace(/AGENT_KEYS_BROKER=.*/, `AGENT_KEYS_BROKER=${url}`);
    writeFileSync(join(home, ".env"), lines);
    const agent = spawn(process.execPath, ["--env-file=.env", "agent.mjs"], {
      cwd: home,
      env: {},
      stdio: ["ignore", "pipe", "inherit"],
    });
    expect(await text(agent.stdout)).toBe('200 {"full_name":"octocat/Hello-World"}\n');
    expect(seen).toEqual(["Bearer canary-6yHn"]);
  } finally {
    broker.kill("SIGTERM");
  }
  expect(await ended).toEqual([0, null]);
  const verified = execFileSync(process.execPath, [bin, "verify"], { cwd: home, encoding: "utf8" });
  expect(verified).toMatch(/^intact /);
});
