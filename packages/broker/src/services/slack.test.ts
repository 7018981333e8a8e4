import { expect, test } from "vitest";
import { slack, slackFiles } from "./slack.ts";
import { slackParameters } from "./slack/names.ts";

const kinds = (action: string): readonly string[] =>
  ["channels", "groups", "im", "mpim"].map((kind) => `${kind}:${action}`);

/*
 * The scopes that Slack wants for a method, any of them: Slack's OpenAPI description of the Web API,
 * version 1.7.0 (slackapi/slack-api-specs bc08db4). That of chat.* and files.delete is from before
 * the suffixes `:user` and `:bot` went. `none`: any token will do.
 */
const DOCUMENTED: Readonly<Record<string, readonly string[]>> = {
  "chat.postMessage chat.postEphemeral chat.meMessage chat.scheduleMessage chat.deleteScheduledMessage chat.update chat.delete":
    ["chat:write:bot", "chat:write:user"],
  "chat.getPermalink chat.scheduledMessages.list auth.test views.open views.push views.publish views.update":
    ["none"],
  "conversations.list conversations.info conversations.members users.conversations": kinds("read"),
  "conversations.history conversations.replies": kinds("history"),
  "conversations.open conversations.close conversations.leave conversations.create conversations.invite conversations.kick conversations.rename conversations.archive conversations.unarchive conversations.setTopic conversations.setPurpose conversations.mark":
    kinds("write"),
  "conversations.join": ["channels:write"],
  "users.list users.info users.getPresence bots.info": ["users:read"],
  "users.lookupByEmail": ["users:read.email"],
  "users.setPresence": ["users:write"],
  "users.profile.get": ["users.profile:read"],
  "users.profile.set": ["users.profile:write"],
  "usergroups.list usergroups.users.list": ["usergroups:read"],
  "team.info": ["team:read"],
  "emoji.list": ["emoji:read"],
  "reactions.get reactions.list": ["reactions:read"],
  "reactions.add reactions.remove": ["reactions:write"],
  "pins.list": ["pins:read"],
  "pins.add pins.remove": ["pins:write"],
  "files.info files.list": ["files:read"],
  "files.delete": ["files:write:user"],
  "search.messages": ["search:read"],
  // Younger than that description: the method reference, docs.slack.dev/reference/methods.
  "chat.startStream chat.appendStream chat.stopStream": ["chat:write"],
  "files.getUploadURLExternal files.completeUploadExternal": ["files:write"],
  "bookmarks.list": ["bookmarks:read"],
  "bookmarks.add bookmarks.edit bookmarks.remove": ["bookmarks:write"],
};

/** What a scope here stands for, of Slack's. */
const STANDS_FOR: Readonly<Record<string, readonly string[]>> = {
  "chat.write": ["chat:write", "chat:write:bot", "chat:write:user"],
  "chat.read": ["none"],
  "conversations.read": kinds("read"),
  "conversations.history": kinds("history"),
  "conversations.open": kinds("write"),
  "conversations.join": kinds("write"),
  "conversations.write": kinds("write"),
  "auth.read": ["none"],
  "users.read": ["users:read"],
  "users.email": ["users:read.email"],
  "users.write": ["users:write"],
  "users.profile.read": ["users.profile:read"],
  "users.profile.write": ["users.profile:write"],
  "usergroups.read": ["usergroups:read"],
  "team.read": ["team:read"],
  "emoji.read": ["emoji:read"],
  "reactions.read": ["reactions:read"],
  "reactions.write": ["reactions:write"],
  "pins.read": ["pins:read"],
  "pins.write": ["pins:write"],
  "bookmarks.read": ["bookmarks:read"],
  "bookmarks.write": ["bookmarks:write"],
  "files.read": ["files:read"],
  "files.write": ["files:write", "files:write:user"],
  "search.read": ["search:read"],
  "views.write": ["none"],
};

const scopesOf = new Map<string, readonly string[]>(
  Object.entries(DOCUMENTED).flatMap(([methods, scopes]) =>
    methods.split(" ").map((method) => [`/${method}`, scopes] as const),
  ),
);

test.each(slack.routes)("$method $pattern needs $scopes, which agrees with Slack", (route) => {
  const documented = scopesOf.get(route.pattern);
  expect(documented).toBeDefined();
  for (const scope of route.scopes) {
    expect(STANDS_FOR[scope.replace("slack:", "")]).toEqual(
      expect.arrayContaining([...documented!]),
    );
  }
});

test("every method of the table is described", () => {
  expect(new Set(slack.routes.map(({ pattern }) => pattern))).toEqual(new Set(scopesOf.keys()));
});

test("what changes something is a POST, of a form or of JSON", () => {
  const reading = /\.(?:read|history|email)$/;
  for (const { method, scopes, bodyFormats } of slack.routes) {
    const reads = scopes.every((scope) => reading.test(scope));
    expect(method === "POST" || reads).toBe(true);
    expect(bodyFormats).toEqual(method === "POST" ? ["json", "form"] : []);
  }
});

test("what Slack calls writing is in no scope that reads", () => {
  const wrong = slack.routes.filter(
    ({ pattern, scopes }) =>
      scopesOf.get(pattern)?.some((scope) => scope.includes(":write")) === true &&
      scopes.some((scope) => /\.(?:read|history|email)$/.test(scope)),
  );
  expect(wrong).toEqual([]);
});

test("both ways of reading name the same arguments, the one in the query, the other in the body", () => {
  for (const { method, pattern, parameters } of slack.routes) {
    if (method !== "GET") continue;
    const posted = slack.routes.find((one) => one.method === "POST" && one.pattern === pattern);
    expect([...(posted?.parameters.keys() ?? [])]).toEqual([...parameters.keys()]);
    for (const { location } of parameters.values()) expect(location).toBe("query");
    for (const { location } of posted?.parameters.values() ?? []) expect(location).toBe("body");
  }
});

test("a token in the arguments is the caller's own, and goes nowhere", () => {
  expect([...slack.foreignCredentials]).toEqual(["token"]);
  expect(slack.parameters).not.toContain("token");
});

test("nothing makes a file public", () => {
  const patterns = slack.routes.map(({ pattern }) => pattern);
  expect(patterns.filter((pattern) => /public/i.test(pattern))).toEqual([]);
});

test("the exported names are those that the methods declare", () => {
  expect(slack.parameters.toSorted()).toEqual(slackParameters.toSorted());
  expect(slackFiles.parameters).toEqual(["ticket", "file"]);
});
