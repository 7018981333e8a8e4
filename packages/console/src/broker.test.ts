import type { ServerResponse } from "node:http";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { agentKeys } from "../test/command.ts";
import { run } from "./run.ts";
import {
  environmentFor,
  githubAt,
  openUpstream,
  project,
  realGithubAt,
  runAgent,
  SECRET,
} from "../test/project.ts";

let home: ReturnType<typeof project>;
beforeEach(() => {
  home = project();
  home.edit(githubAt("http://127.0.0.1:1"));
});
afterEach(() => home[Symbol.dispose]());

/** What happened, of a call's story. */
const words = (story: string): readonly string[] =>
  Array.from(
    story.matchAll(/^\d\d:\S+ +(?:\+\S+ +)?(?:([a-z]+(?: +(?:allowed|200))?))/gm),
    ([, word = ""]) => word.replace(/ +/, " "),
  );

/** What a user writes after reading the README. It knows nothing but its environment. */
const AGENT = `
import { createAgentKeys, fileSink, keyFetch } from "@agent-keys/core";

const keys = createAgentKeys({
  agent: "my-agent",
  policy: "allow-all",
  audit: fileSink("agent-keys.audit.jsonl"),
});
const ask = async (scope, path, init) =>
  await keys.withAgentKey(scope, async (token, key) => {
    const response = await keyFetch(key.baseUrl("github") + path, init);
    return [response.status, await response.text()];
  });
console.log(JSON.stringify([
  await ask("github:repos.read", "/repos/octocat/Hello-World"),
  await ask("github:repos.read", "/repos/octocat/Hello-World/issues"),
  await ask("github:repos.delete", "/repos/octocat/Hello-World", { method: "DELETE" }),
]));
await keys.flush();
`;

test("from init to a request: the agent has a key, the broker the secret", async () => {
  await using upstream = await openUpstream();
  // All that is edited is where GitHub is.
  home.edit(() => realGithubAt(upstream.url)(home.config));
  await using broker = await home.start({ GITHUB_TOKEN: SECRET });
  const said = await broker.said("broker on");
  expect(said).toBe(`agent-keys: broker on ${broker.url}, 1 service, 1 issuer\n`);

  const agent = await runAgent(home.write("agent.mts", AGENT), {
    cwd: home.path,
    env: environmentFor(home.init, broker.url),
  });
  expect([agent.status, agent.stderr]).toEqual([0, ""]);
  const [read, other, removed] = JSON.parse(agent.stdout) as [number, string][];
  expect(read).toEqual([200, '{"full_name":"octocat/Hello-World"}']);
  expect(other?.[0]).toBe(403);
  expect(other?.[1]).toContain('"code":"insufficient_scope"');
  expect(removed?.[0]).toBe(403);
  expect(removed?.[1]).toContain('"message":"The broker\'s policy does not allow this call');
  expect(upstream.seen).toEqual(["GET /repos/octocat/Hello-World"]);

  broker.kill("SIGTERM");
  expect(await broker.ended).toEqual({ status: 0, signal: null });
  const record = readFileSync(join(home.path, "agent-keys.broker.audit.jsonl"), "utf8");
  expect(record).toContain('"request.completed"');
  for (const text of [record, agent.stdout, await broker.said("stopping")]) {
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain(
      readFileSync(join(home.path, "agent-keys.key"), "utf8").slice(30, 60),
    );
  }
  // Without a flag, the agent's record and the broker's are one.
  const verified = agentKeys(["verify"], { cwd: home.path });
  expect(verified.stdout).toMatch(/^intact .*\n\d+ events of 2 writers/);
  const [, id = ""] = /minted +(\S+)/.exec(agentKeys(["ls"], { cwd: home.path }).stdout) ?? [];
  const shown = agentKeys(["show", "--", id], { cwd: home.path }).stdout;
  expect(words(shown)).toEqual(["minted", "request allowed", "request 200", "ok"]);
  expect(shown).toContain("github GET /repos/:owner/:repo");
});

test("what init wrote starts as it is, and says which secret is missing", async () => {
  home.edit(() => home.config);
  await using broker = await home.start({ GITHUB_TOKEN: "" });
  const said = await broker.said("hint:");
  expect(said).toContain(
    "agent-keys: secrets.github cannot be read: env:GITHUB_TOKEN: the variable is empty",
  );
  expect(said).toContain("hint: set GITHUB_TOKEN for the broker, as in --env-file .env.broker; ");
  const health = await fetch(`${broker.url}/healthz`);
  expect(health.status).toBe(200);
});

/** An upstream that answers only when it is told to, and an agent whose request is held there. */
async function inFlight() {
  const arrived = Promise.withResolvers<ServerResponse>();
  const upstream = await openUpstream((response) => {
    response.write('{"full_');
    arrived.resolve(response);
  });
  home.edit((config) => config.replace("http://127.0.0.1:1", upstream.url));
  const broker = await home.start({ GITHUB_TOKEN: SECRET });
  const agent = runAgent(
    home.write("agent.mts", AGENT.replace(/(Hello-World"\),)\n[^]*?\n\]/, "$1\n]")),
    { cwd: home.path, env: environmentFor(home.init, broker.url) },
  );
  return { upstream, broker, agent, answering: await arrived.promise };
}

describe("stopping", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("%s lets requests in flight finish", async (signal) => {
    const { upstream, broker, agent, answering } = await inFlight();
    await using _ = upstream;
    await using __ = broker;
    broker.kill(signal);
    await broker.said("stopping when the requests in flight are done");
    await expect(fetch(`${broker.url}/healthz`)).rejects.toThrow(TypeError);
    answering.end('name":"slow"}');
    expect(JSON.parse((await agent).stdout)).toEqual([[200, '{"full_name":"slow"}']]);
    expect(await broker.ended).toEqual({ status: 0, signal: null });
  });

  test("a second signal stops it at once", async () => {
    const { upstream, broker, agent } = await inFlight();
    await using _ = upstream;
    await using __ = broker;
    broker.kill("SIGINT");
    await broker.said("stopping");
    const again = setInterval(() => broker.kill("SIGTERM"), 50);
    expect(await broker.ended).toEqual({ status: null, signal: "SIGTERM" });
    clearInterval(again);
    expect((await agent).status).not.toBe(0);
  });

  test("inside another program, that program's signal stops it", async () => {
    const abort = new AbortController();
    const config = home.write("own.config.mjs", githubAt("http://127.0.0.1:1")(home.config));
    const listeners = process.listenerCount("SIGTERM");
    const said: string[] = [];
    const status = await run(["broker", "--port", "0", "--config", config], {
      out: (text) => void said.push(text),
      err(text) {
        said.push(text);
        expect(process.listenerCount("SIGTERM")).toBe(listeners);
        if (text.includes("broker on")) abort.abort();
      },
      columns: 80,
      isTerminal: false,
      env: {},
      now: Date.now,
      signal: abort.signal,
    });
    expect(status).toBe(0);
    expect(said[0]).toMatch(
      /^agent-keys: broker on http:\/\/127\.0\.0\.1:\d+, 1 service, 1 issuer\n$/,
    );
    expect(said.join("")).toContain("agent-keys: stopping when");
  });
});

test.each(["commonjs", "module", ""])(
  "in a package of type %j, .ts is read all the same",
  async (type) => {
    home.write("package.json", JSON.stringify(type === "" ? {} : { type }));
    await using broker = await home.start({ GITHUB_TOKEN: SECRET });
    expect(await broker.said("broker on")).toBe(
      `agent-keys: broker on ${broker.url}, 1 service, 1 issuer\n`,
    );
  },
);

test("the commands that read the record do not wait for the broker", () => {
  const watch = `
    import { registerHooks } from "node:module";
    registerHooks({ load(url, context, next) {
      if (/\\/(broker|undici|secrets)\\//.test(url)) process.stderr.write(url + "\\n");
      return next(url, context);
    } });`;
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(watch)}` };
  home.write("empty.jsonl", "");
  const listed = agentKeys(["ls", "--file", "empty.jsonl"], { cwd: home.path, env });
  expect(listed.stderr).toBe("agent-keys: empty.jsonl has no events yet\n");
  const started = agentKeys(["broker", "--host", "0.0.0.0"], { cwd: home.path, env });
  expect(started.stderr).toContain("/undici/");
});
