import { type AgentKeys, createAgentKeys, keyFetch, memorySink } from "@agent-keys/core";
import { defineGithub, defineOpenai, defineSlack } from "@agent-keys/broker/services";
import { Octokit } from "@octokit/rest";
import { LogLevel, WebAPIPlatformError, WebClient } from "@slack/web-api";
import OpenAI, { PermissionDeniedError } from "openai";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { GITHUB_TOKEN, openGithub } from "./github-vendor.ts";
import { OPENAI_KEY, openOpenai, type Streams } from "./openai-vendor.ts";
import { openSlack, SLACK_TOKEN } from "./slack-vendor.ts";
import type { Vendor } from "./vendor.ts";

const site = { owner: "acme", repo: "site" };
const streams: Streams = { onFirst: (proceed) => proceed(), ended: false };
let hub: Vendor;
let chat: Vendor;
let models: Vendor;
let keys: AgentKeys;

beforeAll(async () => {
  hub = await openGithub("https://storage.example");
  chat = await openSlack(() => "https://files.example");
  models = await openOpenai(streams);
  // It says once, on stderr, that the secrets are in this process.
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  vi.spyOn(process, "emitWarning").mockReturnValue(undefined);
  keys = createAgentKeys({
    agent: "bot",
    policy: {
      bot: {
        allow: [
          { scope: "github:issues.*", where: site },
          { scope: "slack:chat.write", where: { channel: "C123" } },
          { scope: "openai:chat.completions.create", where: { model: "gpt-5-mini" } },
        ],
      },
    },
    audit: memorySink(),
    services: [
      defineGithub({ baseUrl: hub.url, network: "private" }),
      defineSlack({ baseUrl: `${chat.url}/api`, network: "private" }),
      defineOpenai({ baseUrl: `${models.url}/v1`, network: "private" }),
    ],
    secrets: {
      github: secret(GITHUB_TOKEN),
      slack: secret(SLACK_TOKEN),
      openai: secret(OPENAI_KEY),
    },
  });
});

afterAll(async () => {
  await keys[Symbol.asyncDispose]();
  await Promise.all([hub, chat, models].map((one) => one[Symbol.asyncDispose]()));
  vi.restoreAllMocks();
});

beforeEach(() => {
  for (const { seen } of [hub, chat, models]) (seen as unknown[]).length = 0;
});

function secret(value: string) {
  return { name: "test", read: async () => ({ value }) };
}

const octokit = (): Octokit => new Octokit({ baseUrl: hub.url, request: { fetch: keyFetch } });
const slack = (): WebClient =>
  new WebClient("agent-keys", {
    slackApiUrl: `${chat.url}/api/`,
    fetch: keyFetch,
    logLevel: LogLevel.ERROR,
  });
const openai = (): OpenAI =>
  new OpenAI({ apiKey: "agent-keys", baseURL: `${models.url}/v1`, fetch: keyFetch });

const caught = (error: unknown): unknown => error;

test("Octokit pages through a list, and is held to its repository", async () => {
  const issues = await keys.withAgentKey("github:issues.read", () => {
    const client = octokit();
    return client.paginate(client.rest.issues.listForRepo, { ...site, per_page: 2 });
  });
  expect(issues).toHaveLength(5);
  expect(hub.seen).toHaveLength(3);
  const error = await keys
    .withAgentKey("github:issues.read", () =>
      octokit().rest.issues.listForRepo({ owner: "acme", repo: "secret" }),
    )
    .catch(caught);
  expect(error).toMatchObject({ status: 403, response: { data: { code: "constraint_failed" } } });
  expect(hub.seen).toHaveLength(3);
});

test("Slack's WebClient posts, and is told at once where it may not", async () => {
  const post = (channel: string): Promise<unknown> =>
    keys.withAgentKey("slack:chat.write", () => {
      const { postMessage } = slack().chat;
      return postMessage({ channel, text: "hi" });
    });
  expect(await post("C123")).toMatchObject({ ok: true, channel: "C123" });
  const error = await post("C999").catch(caught);
  expect(error).toBeInstanceOf(WebAPIPlatformError);
  expect(error).toMatchObject({ data: { error: "constraint_failed" } });
  expect(chat.seen).toHaveLength(1);
});

test("the OpenAI client streams, what has come before the rest, and is held to its model", async () => {
  const proceeding = Promise.withResolvers<() => void>();
  streams.onFirst = proceeding.resolve;
  let endedAtFirst: boolean | undefined;
  const ask = (model: string): Promise<string[]> =>
    keys.withAgentKey("openai:chat.completions.create", async () => {
      const messages = [{ role: "user" as const, content: "hi" }];
      const texts: string[] = [];
      const stream = await openai().chat.completions.create({ model, messages, stream: true });
      for await (const { choices } of stream) {
        if (texts.length === 0) {
          endedAtFirst = streams.ended;
          (await proceeding.promise)();
        }
        texts.push(choices[0]?.delta.content ?? "");
      }
      return texts;
    });
  expect((await ask("gpt-5-mini")).join("")).toBe("Hello wörld");
  expect(endedAtFirst).toBe(false);
  const error = await ask("gpt-5-pro").catch(caught);
  expect(error).toBeInstanceOf(PermissionDeniedError);
  expect(error).toMatchObject({ code: "constraint_failed" });
  expect(models.seen).toHaveLength(1);
});
