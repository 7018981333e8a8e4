import { describe, expect, test } from "vitest";
import { bearer } from "./credential.ts";
import { defineService } from "./define-service.ts";
import { fromText, matchRoute } from "./route-table.ts";

const service = defineService({
  name: "hub",
  baseUrl: "https://hub.example",
  credential: bearer(),
  scopes: {
    read: [
      "GET /",
      "GET /:owner/:repo",
      "GET /users/:name",
      "GET /users/me",
      "GET /users/:id{int}/keys",
      "GET /files/:path*",
      "GET /files/latest",
      "GET /files/docs/:name*",
      "GET /:owner/settings",
      "GET /:owner/:repo/:rest*",
      "GET /data/:filter{json}",
    ],
    write: ["POST /users/me"],
  },
});

test.each([
  ["GET", [], "/", {}],
  ["GET", ["a", "b"], "/:owner/:repo", { owner: "a", repo: "b" }],
  ["GET", ["users", "ada"], "/users/:name", { name: "ada" }],
  ["GET", ["users", "me"], "/users/me", {}],
  ["HEAD", ["users", "me"], "/users/me", {}],
  ["POST", ["users", "me"], "/users/me", {}],
  ["GET", ["files", "latest"], "/files/latest", {}],
  ["GET", ["files", "a", "b", "c"], "/files/:path*", { path: "a/b/c" }],
  ["GET", ["files", "docs", "a", "b"], "/files/docs/:name*", { name: "a/b" }],
  ["GET", ["files", "docs"], "/:owner/:repo", { owner: "files", repo: "docs" }],
  ["GET", ["ada", "b", "c", "d"], "/:owner/:repo/:rest*", { owner: "ada", repo: "b", rest: "c/d" }],
  ["GET", ["ada", "settings"], "/:owner/settings", { owner: "ada" }],
  ["GET", ["users", "settings"], "/users/:name", { name: "settings" }],
  ["GET", ["data", "{}"], "/data/:filter{json}", { filter: "{}" }],
  [
    "GET",
    ["constructor", "__proto__"],
    "/:owner/:repo",
    { owner: "constructor", repo: "__proto__" },
  ],
])("%s /%j is %s", (method, segments, pattern, path) => {
  const match = matchRoute(service, method, segments);
  expect(match?.route.pattern).toBe(pattern);
  expect(Object.fromEntries(match?.path ?? [])).toEqual(path);
});

test.each([
  ["GET", ["a"]],
  ["GET", ["files"]],
  ["GET", ["a", "b/c"]],
  ["GET", ["users", "a/b"]],
  ["DELETE", ["users", "me"]],
  ["TRACE", []],
  ["__proto__", []],
])("%s /%j is none", (method, segments) => {
  expect(matchRoute(service, method, segments)).toBeUndefined();
});

describe("only the canonical text of a value stands for it:", () => {
  test.each([
    ["int", "0", 0],
    ["int", "-12", -12],
    ["int", "9007199254740991", 9007199254740991],
    ["number", "1.5", 1.5],
    ["boolean", "true", true],
    ["boolean", "false", false],
  ] as const)("%s %s", (type, text, value) => {
    expect(fromText(type, text)).toBe(value);
  });

  test.each([
    ["int", "01"],
    ["int", "+1"],
    ["int", "1.0"],
    ["int", "1.5"],
    ["int", "0x1"],
    ["int", " 1"],
    ["int", ""],
    ["int", "-0"],
    ["int", "9007199254740992"],
    ["int", "1e3"],
    ["number", "Infinity"],
    ["number", "NaN"],
    ["number", "1_000"],
    ["boolean", "TRUE"],
    ["boolean", "1"],
    ["boolean", ""],
  ] as const)("not %s %j", (type, text) => {
    expect(fromText(type, text)).toBeUndefined();
  });
});
