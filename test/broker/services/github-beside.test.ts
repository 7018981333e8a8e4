import { AgentKeyError, type AgentKey, type Grant } from "@agent-keys/core";
import { defineGithub } from "@agent-keys/broker/services";
import { Octokit } from "@octokit/rest";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Agent, openAgent, type Way } from "./agent.ts";
import { codeOf, failure, type Hub, octokitFor, openHub, SILENT, site } from "./github-setup.ts";
import { GITHUB_TOKEN } from "./github-vendor.ts";
import type { Vendor } from "./vendor.ts";

let hub: Hub;
let vendor: Vendor;
let storage: Vendor;
let agent: Agent;
let trusting: Agent;

beforeAll(async () => {
  hub = await openHub();
  ({ vendor, storage, agent, trusting } = hub);
});

afterAll(() => hub[Symbol.asyncDispose]());

beforeEach(() => hub.forget());

const octokit = (way: Way, key: AgentKey): Octokit => octokitFor(way, key, vendor);

describe("a redirect that is followed", () => {
  const logs = { ...site, job_id: 33 };

  test("goes to an allowed host without key and credential", async () => {
    const { data } = await trusting.inTool("ai-sdk", "github:actions.read", (key) =>
      octokit("keyFetch", key).rest.actions.downloadJobLogsForWorkflowRun(logs),
    );
    expect(data).toBe("the log");
    expect(storage.seen[0]?.target).toBe("/job-33.txt?sig=signed");
    expect(storage.strangers).toEqual([]);
  });

  test("is refused to any other, with the code in the cause of Octokit's error", async () => {
    const error = await failure(
      agent.inTool("ai-sdk", "github:actions.read", (key) =>
        octokit("keyFetch", key).rest.actions.downloadJobLogsForWorkflowRun(logs),
      ),
    );
    expect(error["name"]).toBe("HttpError");
    expect(error["cause"]).toBeInstanceOf(AgentKeyError);
    expect(error["cause"]).toMatchObject({ code: "egress_denied" });
    expect(storage.seen).toEqual([]);
  });

  test("by the platform, from the broker's URL, leaves the key behind", async () => {
    const { data } = await agent.inTool("langchain", "github:actions.read", (key) =>
      octokit("baseUrl", key).rest.actions.downloadJobLogsForWorkflowRun(logs),
    );
    expect(data).toBe("the log");
    expect(storage.strangers).toEqual([]);
  });
});

test("a client that nobody touched: the ambient fetch puts a key where its own token was", async () => {
  const options = {
    services: [defineGithub({ baseUrl: vendor.url, network: "private" as const })],
    credentials: { github: GITHUB_TOKEN },
    policy: { bot: { allow: [{ scope: "github:repos.read", where: site }] } },
  };
  await using ambient = await openAgent({ ...options, ambientFetch: true });
  const client = new Octokit({ auth: "ghp_ofItsOwn", baseUrl: vendor.url, log: SILENT });
  const { data } = await ambient.inTool("ai-sdk", "github:repos.read", () =>
    client.rest.repos.get(site),
  );
  expect(data.full_name).toBe("acme/site");
  const error = await failure(
    ambient.inTool("ai-sdk", "github:repos.read", () =>
      client.rest.repos.get({ owner: "acme", repo: "secret" }),
    ),
  );
  expect(codeOf(error)).toBe("constraint_failed");
  expect(vendor.seen).toHaveLength(1);
  expect(vendor.strangers).toEqual([]);
  // Outside a tool nothing has changed: the token is sent, and is of no use there.
  expect(await failure(client.rest.repos.get(site))).toMatchObject({ status: 401 });
  expect(vendor.strangers[0]?.headers.authorization).toBe("token ghp_ofItsOwn");
});

test("two writes, of which the grant allows one", async () => {
  const grant: Grant = { scope: "github:issues.write", where: site, uses: 1 };
  const error = await failure(
    agent.inTool("langchain", grant, async (key) => {
      const client = octokit("keyFetch", key);
      await client.rest.issues.create({ ...site, title: "first" });
      await client.rest.issues.create({ ...site, title: "second" });
    }),
  );
  expect(error["status"]).toBe(401);
  expect(codeOf(error)).toBe("key_used_up");
  expect(vendor.seen).toHaveLength(1);
});

test("each request is on the broker's record, and no credential is", async () => {
  const before = agent.events.length;
  await agent.inTool("ai-sdk", "github:repos.read", (key) =>
    octokit("keyFetch", key).rest.repos.get(site),
  );
  await expect
    .poll(() => agent.events.slice(before).map(({ type }) => type))
    .toEqual(["request.allowed", "request.completed"]);
  expect(agent.events[before]).toMatchObject({ service: "github", route: "/repos/:owner/:repo" });
  expect(JSON.stringify(agent.events)).not.toContain(GITHUB_TOKEN);
});
