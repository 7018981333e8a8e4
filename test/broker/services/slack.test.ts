import type { AgentKey } from "@agent-keys/core";
import {
  defineSlack,
  defineSlackFiles,
  type GrantFor,
  slack,
  type slackFiles,
} from "@agent-keys/broker/services";
import {
  LogLevel,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebClient,
  type WebClientOptions,
} from "@slack/web-api";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { access, type Agent, openAgent, USES, type Way } from "./agent.ts";
import { argumentsOf, openSlack, openSlackFiles, SLACK_TOKEN } from "./slack-vendor.ts";
import type { Vendor } from "./vendor.ts";

const allow: readonly GrantFor<typeof slack | typeof slackFiles>[] = [
  { scope: "slack:chat.write", where: { channel: "C123" } },
  { scope: "slack:conversations.*", where: { channel: { in: ["C123", "C777"] } } },
  { scope: "slack:reactions.write" },
  { scope: "slack:users.read" },
  { scope: "slack:auth.read" },
  { scope: "slack:files.write" },
  { scope: "slack-files:upload" },
  { scope: "slack-files:read" },
];

let vendor: Vendor;
let files: Vendor;
let agent: Agent;

beforeAll(async () => {
  files = await openSlackFiles();
  vendor = await openSlack(() => files.url);
  agent = await openAgent({
    services: [
      defineSlack({ baseUrl: `${vendor.url}/api`, network: "private" }),
      defineSlackFiles({ baseUrl: files.url, network: "private" }),
    ],
    credentials: { slack: SLACK_TOKEN, "slack-files": SLACK_TOKEN },
    policy: { bot: { allow } },
  });
});

afterAll(async () => {
  await Promise.all([agent, vendor, files].map((one) => one[Symbol.asyncDispose]()));
});

beforeEach(() => {
  for (const { seen, strangers } of [vendor, files]) {
    (seen as unknown[]).length = 0;
    (strangers as unknown[]).length = 0;
  }
});

/** With its own way of retrying: what it takes for a fault would cost it half an hour. */
function webClient(way: Way, key: AgentKey, options: WebClientOptions = {}): WebClient {
  const { url, token, fetch } = access(way, key, "slack", `${vendor.url}/api`);
  const given = fetch === undefined ? {} : { fetch };
  return new WebClient(token, {
    slackApiUrl: `${url}/`,
    logLevel: LogLevel.ERROR,
    ...given,
    ...options,
  });
}

async function failure(call: Promise<unknown>): Promise<unknown> {
  return await call.then(
    () => "resolved",
    (error: unknown) => error,
  );
}

const blocks = [{ type: "section", text: { type: "mrkdwn", text: "*hi* & <b>ünïcode</b> +1=2" } }];

describe.each(USES)("Slack's WebClient in a wrapped tool (%s), by %s", (framework, way) => {
  const run = <T>(grants: string | string[], body: (client: WebClient) => Promise<T>): Promise<T> =>
    agent.inTool(framework, grants, (key) => body(webClient(way, key)));

  test("posts a form, blocks and all, with the real credential", async () => {
    const text = "a=b&c d + ü";
    const result = await run("slack:chat.write", ({ chat: { postMessage } }) =>
      postMessage({ channel: "C123", text, blocks, unfurl_links: false }),
    );
    expect(result).toMatchObject({ ok: true, ts: "1700000000.000100", message: { text, blocks } });
    expect(result.response_metadata?.scopes).toEqual(["chat:write", "files:write"]);
    const [seen] = vendor.seen;
    expect(seen?.headers["content-type"]).toBe("application/x-www-form-urlencoded");
    expect(argumentsOf(seen!)).toEqual({
      channel: "C123",
      text,
      blocks: JSON.stringify(blocks),
      unfurl_links: "false",
    });
    expect(vendor.strangers).toEqual([]);
  });

  test("pages by cursor, by POST", async () => {
    const members = await run("slack:conversations.read", async (client) => {
      const all: string[] = [];
      const pages = client.paginate("conversations.members", { channel: "C777", limit: 2 });
      for await (const page of pages)
        all.push(...(page as unknown as { members: string[] }).members);
      return all;
    });
    expect(members).toEqual(["U1", "U2", "U3", "U4", "U5"]);
    expect(vendor.seen.map((seen) => argumentsOf(seen)["cursor"])).toEqual([undefined, "2", "4"]);
  });

  test("a call without arguments", async () => {
    expect(await run("slack:auth.read", (client) => client.auth.test())).toMatchObject({
      ok: true,
      team: "Acme",
    });
  });

  test("Slack's own errors come as the client's, at once", async () => {
    const error = await failure(
      run("slack:reactions.write", (client) =>
        client.reactions.add({ channel: "C123", timestamp: "1.1", name: "eyes" }),
      ),
    );
    expect(error).toBeInstanceOf(WebAPIPlatformError);
    expect(error).toMatchObject({ data: { ok: false, error: "already_reacted" } });
  });

  test("Slack's rate limit reaches the client, with when to come again", async () => {
    const error = await failure(
      agent.inTool(framework, "slack:users.read", (key) =>
        webClient(way, key, { rejectRateLimitedCalls: true }).users.list({}),
      ),
    );
    expect(error).toBeInstanceOf(WebAPIRateLimitedError);
    expect(error).toMatchObject({ retryAfter: 7 });
  });

  test.each([
    [
      "to another channel",
      "slack:chat.write",
      "constraint_failed",
      ({ chat: { postMessage } }: WebClient) => postMessage({ channel: "C999", text: "hi" }),
    ],
    [
      "to read another channel",
      "slack:conversations.history",
      "constraint_failed",
      (client: WebClient) => client.conversations.history({ channel: "C999" }),
    ],
    [
      "a list of channels, of which one is another",
      "slack:chat.write",
      "constraint_failed",
      (client: WebClient) => client.apiCall("chat.postMessage", { channel: ["C123", "C999"] }),
    ],
    [
      "without a channel",
      "slack:chat.write",
      "constraint_failed",
      (client: WebClient) => client.apiCall("chat.postMessage", { text: "hi" }),
    ],
    [
      "what another scope allows",
      "slack:chat.write",
      "insufficient_scope",
      (client: WebClient) => client.conversations.join({ channel: "C123" }),
    ],
    [
      "what is not described",
      "slack:chat.write",
      "route_unknown",
      (client: WebClient) => client.apiCall("admin.users.list"),
    ],
    [
      "in multipart, which cannot be looked into",
      "slack:chat.write",
      "request_invalid",
      (client: WebClient) =>
        client.apiCall("chat.postMessage", { channel: "C123", file: Buffer.from("x") }),
    ],
  ])(
    "%s is refused at once, as Slack tells it, and Slack hears nothing",
    async (_, scope, code, call) => {
      const error = await failure(run(scope, call));
      expect(error).toBeInstanceOf(WebAPIPlatformError);
      expect(error).toMatchObject({ data: { ok: false, error: code } });
      expect([...vendor.seen, ...vendor.strangers]).toEqual([]);
    },
  );
});

test.each(USES.filter(([, way]) => way === "keyFetch"))(
  "a file goes up in three steps, to two hosts (%s, by %s)",
  async (framework, way) => {
    const grants = ["slack:files.write", "slack-files:upload"];
    const result = await agent.inTool(framework, grants, (key) =>
      webClient(way, key).filesUploadV2({
        channel_id: "C123",
        filename: "notes.txt",
        title: "Notes",
        file: Buffer.from("the notes"),
        initial_comment: "here",
      }),
    );
    expect(result.ok).toBe(true);
    expect(vendor.seen.map(({ path }) => path)).toEqual([
      "/api/files.getUploadURLExternal",
      "/api/files.completeUploadExternal",
    ]);
    expect(argumentsOf(vendor.seen[0]!)).toEqual({ filename: "notes.txt", length: "9" });
    expect(argumentsOf(vendor.seen[1]!)).toMatchObject({
      channel_id: "C123",
      initial_comment: "here",
    });
    expect(files.seen).toHaveLength(1);
    expect(files.seen[0]?.headers["content-type"]).toMatch(/^multipart\/form-data; boundary=/);
    expect(files.seen[0]?.body.toString()).toContain("the notes");
    expect([...files.strangers, ...vendor.strangers]).toEqual([]);
  },
);

test("a file is read from the host that it lies on", async () => {
  const text = await agent.inTool("ai-sdk", "slack-files:read", async (key) =>
    (await key.fetch(`${files.url}/files-pri/T1-F1/notes.txt`)).text(),
  );
  expect(text).toBe("the notes");
  expect(files.strangers).toEqual([]);
});

test("every method that is described is one of the client's", () => {
  const client = new WebClient() as unknown as Record<string, unknown>;
  const missing = slack.routes.filter(({ pattern }) => {
    const names = pattern.slice(1).split(".");
    const found = names.reduce<unknown>(
      (at, name) => (at as Record<string, unknown>)?.[name],
      client,
    );
    return typeof found !== "function";
  });
  expect(missing).toEqual([]);
});

describe("without a client", () => {
  const url = (path: string): string => `${vendor.url}/api/${path}`;
  const post = (key: AgentKey, path: string, body: string, type: string): Promise<Response> =>
    key.fetch(url(path), { method: "POST", body, headers: { "content-type": type } });
  const JSON_TYPE = "application/json; charset=utf-8";
  const FORM_TYPE = "application/x-www-form-urlencoded";
  const inTool = <T>(scope: string, body: (key: AgentKey) => Promise<T>): Promise<T> =>
    agent.inTool("langchain", scope, body);

  test("JSON is held to the same constraint", async () => {
    const answers = await inTool("slack:chat.write", async (key) => {
      const sent = await post(key, "chat.postMessage", '{"channel":"C123","text":"hi"}', JSON_TYPE);
      const refused = await post(key, "chat.postMessage", '{"channel":"C999"}', JSON_TYPE);
      return [await sent.json(), await refused.json()];
    });
    expect(answers[0]).toMatchObject({ ok: true, channel: "C123" });
    expect(answers[1]).toMatchObject({ ok: false, error: "constraint_failed" });
    expect(vendor.seen.map(argumentsOf)).toEqual([{ channel: "C123", text: "hi" }]);
  });

  test("a GET carries its arguments in the query", async () => {
    const answer = await inTool("slack:conversations.history", async (key) =>
      (await key.fetch(url("conversations.history?channel=C777&limit=5"))).json(),
    );
    expect(answer).toMatchObject({ ok: true });
    expect(vendor.seen[0]?.target).toBe("/api/conversations.history?channel=C777&limit=5");
  });

  test.each([
    [
      "GET, which a method that writes is not",
      "GET",
      "chat.postMessage?channel=C123",
      "",
      "route_unknown",
    ],
    [
      "another channel in the query",
      "POST",
      "chat.postMessage?channel=C999",
      "channel=C123",
      "request_invalid",
    ],
    [
      "the channel in the query only",
      "POST",
      "chat.postMessage?channel=C123",
      "text=hi",
      "request_invalid",
    ],
    [
      "the channel twice",
      "POST",
      "chat.postMessage",
      "channel=C123&channel=C999",
      "request_invalid",
    ],
    [
      "the channel in other letters",
      "POST",
      "chat.postMessage",
      "channel=C123&Channel=C999",
      "request_invalid",
    ],
  ])("%s is refused, and Slack hears nothing", async (_what, method, path, body, code) => {
    const answer = await inTool("slack:chat.write", async (key) => {
      const init = method === "GET" ? {} : { body, headers: { "content-type": FORM_TYPE } };
      const response = await key.fetch(url(path), { method, ...init });
      return { code: response.headers.get("agent-keys-code"), json: await response.json() };
    });
    expect(answer).toMatchObject({ code, json: { ok: false, error: code } });
    expect([...vendor.seen, ...vendor.strangers]).toEqual([]);
  });

  test.each([
    ["a form", "channel=C123&text=hi&token=xoxb-mine", FORM_TYPE],
    ["JSON", '{"token":"xoxb-mine","channel":"C123","text":"hi"}', JSON_TYPE],
  ])("the caller's own token is taken out of %s", async (_what, body, type) => {
    const answer = await inTool("slack:chat.write", async (key) =>
      (await post(key, "chat.postMessage?token=xoxb-mine", body, type)).json(),
    );
    expect(answer).toMatchObject({ ok: true });
    expect(vendor.seen[0]?.target).toBe("/api/chat.postMessage");
    expect(vendor.seen.map(argumentsOf)).toEqual([{ channel: "C123", text: "hi" }]);
  });
});

test("a rate of policy is told as Slack's own is: the client knows when to come again", async () => {
  await using limited = await openAgent({
    services: [defineSlack({ baseUrl: `${vendor.url}/api`, network: "private" })],
    credentials: { slack: SLACK_TOKEN },
    policy: { bot: { allow: [{ scope: "slack:auth.read", rate: { calls: 1, per: "1m" } }] } },
  });
  const authTest = (): Promise<unknown> =>
    limited.inTool("ai-sdk", "slack:auth.read", (key) =>
      webClient("baseUrl", key, { rejectRateLimitedCalls: true }).auth.test(),
    );
  expect(await authTest()).toMatchObject({ ok: true });
  const error = await failure(authTest());
  expect(error).toBeInstanceOf(WebAPIRateLimitedError);
  expect((error as WebAPIRateLimitedError).retryAfter).toBeGreaterThan(50);
  expect(limited.events.at(-1)).toMatchObject({ type: "request.refused", code: "rate_exceeded" });
  expect(vendor.seen).toHaveLength(1);
});
