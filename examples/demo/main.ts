/**
 * The demo: two agents, an API that accepts nothing but agent keys, and the record of what happened.
 * `npm run demo`, or `npm run demo -- new-audit-file.jsonl`.
 */
import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type AgentKeys, createAgentKeys, fileSink, type Policy } from "@agent-keys/core";
import { checkDemo, type Run } from "./expected.ts";
import { openModel } from "./model.ts";
import { narrate, say, tell } from "./narrator.ts";
import { releaseAgent } from "./release-agent.ts";
import { releasePolicy } from "./release-policy.ts";
import { reportAgent } from "./report-agent.ts";
import { ANSWER_A2, EXPORT, RELEASES, script, SUMMARISE } from "./script.ts";
import { serveJwks } from "./serve-jwks.ts";
import { startService } from "./start-service.ts";
import { supportAgent } from "./support-agent.ts";
import { ticketsClient } from "./tickets-client.ts";

interface Address {
  readonly url: string;
}

const policy: Policy = {
  "support-bot": {
    allow: [
      { scope: "tickets:read", where: { customer: "acme" } },
      { scope: "tickets:reply", where: { customer: "acme" } },
    ],
  },
  "report-bot": { allow: [{ scope: "tickets:read" }, { scope: "tickets:reply" }] },
};

const file = auditFile();
const keys = createAgentKeys({
  agent: "support-bot",
  policy,
  issuer: "demo",
  audience: "tickets",
  // No tool has an argument `customer`: the tickets service knows whose ticket it is, and checks.
  unbound: "audience",
  audit: [fileSink(file), narrate],
});

await using model = await openModel(script);
const service = await startService<Address>("tickets-service.ts", [
  await serveJwks(() => keys),
  "demo",
  "tickets",
]);
const tickets = ticketsClient(service.ready.url);

// The broker writes to the same audit file: each process has a chain of its own there.
const company = await startService<Address>("company.ts", [
  await serveJwks(() => releaseKeys),
  "demo-releases",
  file,
]);
const broker = company.ready.url;
const releaseKeys: AgentKeys = createAgentKeys({
  agent: "release-bot",
  policy: releasePolicy,
  issuer: "demo-releases",
  broker,
  audit: [fileSink(file), narrate],
});

tell("AGENT KEYS: every tool call gets a key of its own");
console.log();
tell(`model    ${model.scripted ? "scripted" : model.name}, ${model.baseURL}`);
tell(`service  tickets on SQLite, in another process, ${service.ready.url}`);
tell(`broker   for GitHub and Slack, in a third process, ${broker}`);
tell(`audit    ${file}`);

const told = [];

chapter(
  "1. LangChain: a ticket tries to take the agent over",
  "support-bot may read and answer tickets of the customer acme, and no more. Ticket A-2 tells " +
    "it to read another customer's ticket and to delete one.",
);
const support = supportAgent(keys.for({ user: "ada", txn: "demo-1" }), model, tickets);
told.push(await converse(ANSWER_A2, support));

chapter(
  "2. AI SDK, ToolLoopAgent: a slow tool and a buggy one",
  "exportTickets takes longer than its key lives (1 s, and 2 s that clocks may differ). notify " +
    "sends twice with a key for one use.",
);
const report = reportAgent(keys.for({ agent: "report-bot", txn: "demo-2" }), model, tickets);
told.push(await converse(EXPORT, report.ask));

chapter(
  "3. AI SDK, streamText: a tool that fails",
  "There is no ticket A-9. The record says that the call failed, the model that it was not found.",
);
told.push(await converse(SUMMARISE, report.stream));

chapter(
  "4. The broker: GitHub and Slack, and no credential in this process",
  "release-bot's tools use @octokit/rest and @slack/web-api as they are. Their requests carry the " +
    "key of the call to the broker, which puts the real credential in: for one repository and one " +
    "channel. An issue tells the agent to read another and to post elsewhere.",
);
const release = releaseAgent(releaseKeys.for({ txn: "demo-4" }), model, broker);
told.push(await converse(RELEASES, release.ask));
console.log();
tell("And whoever finds a key in a log afterwards:");
told.push(await useLeaked(release.leakedToken()));

const served = [...(await service.stop()), ...(await company.stop())];
await keys.flush();
await releaseKeys.flush();

chapter("5. The console: the audit of this run");
for (const command of ["ls", "stats", "verify"]) agentKeys(command);

const events = await keys.logs();
if (model.scripted) check({ events, served, told });

const calls = events.filter((event) => event.type === "key.denied" || event.type === "key.closed");
const callId = (calls.find((event) => event.type === "key.denied") ?? calls[0])?.tool?.callId;
chapter(
  "What to try next",
  "Change the policy in examples/demo/main.ts and run this again. Let a real model decide: set " +
    "OPENAI_API_KEY. Read examples/README.md: one file for each way to use Agent Keys. Or look " +
    "closer at one call:",
);
console.log(`  npm run build\n  npx agent-keys show ${callId} --file ${file}`);

function chapter(title: string, text?: string): void {
  console.log(`\n${title}\n${"-".repeat(title.length)}`);
  if (text !== undefined) tell(text);
  console.log();
}

async function converse(prompt: string, ask: (prompt: string) => Promise<string>) {
  tell(`User:  ${prompt}`);
  const answer = await ask(prompt);
  tell(`Agent: ${answer.replaceAll(/\s+/g, " ")}`);
  return answer;
}

/** One request with a key whose call has ended, straight to the broker. */
async function useLeaked(token: string): Promise<string> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${broker}/github/repos/acme/site/issues`, { headers });
  await response.arrayBuffer();
  const answer = `${response.status} ${response.headers.get("agent-keys-code")}`;
  say(`broker: GET /repos/acme/site/issues -> ${answer}`, "leaked key");
  return answer;
}

/** Says whether the run was as described: it is not once the policy is changed, for instance. */
function check(run: Run): void {
  try {
    checkDemo(run);
    tell("Checked: every step happened as described, and nothing else reached the services.");
  } catch (error) {
    console.error(`This run was not as described above. ${(error as Error).message}`);
    process.exitCode = 1;
  }
}

/** A file that holds this run and nothing else. */
function auditFile(): string {
  const [, , given] = process.argv;
  if (given !== undefined) {
    if (existsSync(given)) throw new Error(`${given} exists; name a new file`);
    return given;
  }
  rmSync("agent-keys.demo.audit.jsonl", { force: true });
  return "agent-keys.demo.audit.jsonl";
}

/** Runs the real command, from wherever the package is. */
function agentKeys(command: string): void {
  const index = fileURLToPath(import.meta.resolve("@agent-keys/console"));
  const bin = index.replace(/index\.(ts|js)$/, "bin.$1");
  console.log(`$ agent-keys ${command} --file ${file}`);
  const args = [...process.execArgv, bin, command, "--file", file];
  const env = { COLUMNS: "80", ...process.env };
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit", env });
  if (status !== 0) throw new Error(`agent-keys ${command} ended with ${status}`);
  console.log();
}
