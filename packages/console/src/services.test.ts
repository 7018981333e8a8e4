import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { agentKeys, jsonLines, runHere } from "../test/command.ts";
import { project } from "../test/project.ts";

const CONFIG = `
import { basic, defineConfig, defineService } from "@agent-keys/broker";
import { env, file } from "@agent-keys/secrets";

const tickets = defineService({
  name: "tickets",
  baseUrl: "https://tickets.example.com/api",
  credential: basic(),
  scopes: {
    read: ["GET /tickets/:ticketId", "GET /tickets?state&page{int}"],
    "replies.write": [
      { route: "POST /tickets/:ticketId/replies?notify{boolean}", json: { text: "string" } },
    ],
  },
});
const wiki = defineService({
  name: "wiki",
  baseUrl: "https://wiki.example.com",
  credential: basic(),
  scopes: { read: ["GET /pages/:path*"] },
});
export default defineConfig({
  issuers: {},
  services: [tickets, wiki],
  secrets: { tickets: env("TICKETS_TOKEN"), wiki: file("/nowhere/\\u001b[31mwiki") },
  audit: () => undefined,
});
`;

let home: ReturnType<typeof project>;
let config: string;
beforeAll(() => {
  home = project();
  config = home.write("services.config.mjs", CONFIG);
});
afterAll(() => home[Symbol.dispose]());

const services = (...args: string[]) => runHere(["services", "--config", config, ...args]);

test("lists services, where their secrets are read, and their scopes", async () => {
  const { status, stdout, stderr } = await services();
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toBe(`tickets  https://tickets.example.com/api  secret env:TICKETS_TOKEN
  tickets:read           2 routes
  tickets:replies.write  1 route

wiki  https://wiki.example.com  secret file:/nowhere/\\x1b[31mwiki
  wiki:read  1 route
`);
});

test("explains what a policy's where may name, on a narrow terminal too", async () => {
  const { stdout } = await services("tickets", "--explain");
  expect(stdout).toBe(`tickets  https://tickets.example.com/api  secret env:TICKETS_TOKEN
  tickets:read           2 routes
    GET    /tickets/:ticketId
    GET    /tickets
           query: state, page (int)
  tickets:replies.write  1 route
    POST   /tickets/:ticketId/replies
           query: notify (boolean)
           body: text
`);
  const args = ["services", "--explain", "tickets", "--config", config];
  const narrow = await runHere(args, { columns: 30 });
  expect(narrow.stdout).toContain("           query: state, page\n           (int)\n");
});

test("explains every service that is there within 80 columns", async () => {
  const all = home.write(
    "all.config.mjs",
    `import * as there from "@agent-keys/broker/services";
     const { github, githubUploads, slack, slackFiles, openai } = there;
     export default { services: [github, githubUploads, slack, slackFiles, openai] };`,
  );
  for (const columns of [80, Infinity]) {
    const args = ["services", "--explain", "--config", all];
    const { status, stdout } = await runHere(args, { columns });
    expect(status).toBe(0);
    const tooWide = stdout.split("\n").filter((line) => line.length > 80);
    expect(tooWide).toEqual([]);
    expect(stdout).toContain(`
    PUT    /repos/:owner/:repo/pulls/:pull_number{int}/reviews/:review_id{int}
             /dismissals
`);
  }
});

test("for programs, a service is a line that says it all", async () => {
  const [tickets, wiki, ...rest] = jsonLines<{ name: string }>(await services("--json"));
  expect(rest).toEqual([]);
  expect(wiki?.name).toBe("wiki");
  expect(tickets).toMatchObject({
    name: "tickets",
    baseUrl: "https://tickets.example.com/api",
    secret: "env:TICKETS_TOKEN",
    scopes: [
      {
        scope: "tickets:read",
        routes: [
          {
            method: "GET",
            path: "/tickets/:ticketId",
            parameters: [{ name: "ticketId", location: "path", type: "string" }],
          },
          { method: "GET", path: "/tickets" },
        ],
      },
      { scope: "tickets:replies.write" },
    ],
  });
});

test("the real command lists what init chose", () => {
  const { status, stdout, stderr } = agentKeys(["services"], { cwd: home.path });
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^github {2}https:\/\/api\.github\.com {2}secret env:GITHUB_TOKEN\n/);
  expect(stdout).toMatch(/\n {2}github:repos\.read +\d+ routes\n/);
});

describe("what cannot be listed is a line, a hint and exit 2", () => {
  test.each<[string[], string]>([
    [["mail"], 'there is no service "mail"'],
    [["--explain=yes"], "--explain"],
    [["--config"], "--config needs a value"],
    [["--config", "nowhere.ts"], "nowhere.ts does not exist"],
  ])("%j", async (args, message) => {
    const { status, stdout, stderr } = await services(...args);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^agent-keys: [^\n]+\nhint: [^\n]+\n$/);
    expect(stderr).toContain(message);
  });

  test("a configuration without any", async () => {
    const path = home.write("none.config.mjs", "export default { services: [] };");
    const { status, stderr } = await runHere(["services", "--config", path]);
    expect(status).toBe(2);
    expect(stderr).toContain(`${join(home.path, "none.config.mjs")} has no services`);
  });
});
