import { describe, expect, test } from "vitest";
import { bearer } from "./credential.ts";
import { defineService } from "./define-service.ts";
import { decodedMatches, fromText, matchRoute } from "./route-table.ts";

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

describe("where a server decodes the slashes first, it may take a path for", () => {
  const slashed = defineService({
    name: "hub",
    baseUrl: "https://hub.example",
    credential: bearer(),
    scopes: {
      read: [
        "GET /a/:x{path}/:y",
        "GET /a/:x{path}",
        "GET /a/:x/b",
        "GET /a/:x/:n{int}/:r{number}/:t{boolean}",
        "GET /long/:rest*",
        "POST /a/:x{path}",
      ],
    },
  });
  const matches = (method: string, ...segments: readonly string[]): unknown =>
    decodedMatches(slashed, method, segments)?.map(({ route, path }) => [
      route.pattern,
      Object.fromEntries(path),
    ]);

  test("nothing but what it is, while no slash is encoded", () => {
    expect(matches("GET", "a", "b")).toEqual([]);
    expect(matches("GET", "a", "b", "b")).toEqual([]);
    const long = Array.from({ length: 99 }, () => "a");
    expect(matches("GET", "long", ...long)).toEqual([]);
    expect(matches("GET", "long", ...long, "a/b")).toBeUndefined();
  });

  test.each(["GET", "HEAD"])("all that it could be, with %s", (method) => {
    expect(matches(method, "a", "p/b")).toEqual([
      ["/a/:x{path}/:y", { x: "p", y: "b" }],
      ["/a/:x{path}", { x: "p/b" }],
      ["/a/:x/b", { x: "p" }],
    ]);
    // No server takes a slash that nobody encoded for part of a parameter.
    expect(matches(method, "a", "p/q", "b")).toEqual([["/a/:x{path}/:y", { x: "p/q", y: "b" }]]);
    expect(matches(method, "a", "p", "q/b")).toEqual([]);
    expect(matches(method, "a", "p/q/b")).toEqual([
      ["/a/:x{path}/:y", { x: "p/q", y: "b" }],
      ["/a/:x{path}", { x: "p/q/b" }],
    ]);
  });

  test("the routes of its method", () => {
    expect(matches("POST", "a", "p/b")).toEqual([["/a/:x{path}", { x: "p/b" }]]);
    expect(matches("PUT", "a", "p/b")).toEqual([]);
  });

  test("a route whose parameters take the texts, and no other", () => {
    const typed = "/a/:x/:n{int}/:r{number}/:t{boolean}";
    const all = ["/a/:x{path}/:y", "/a/:x{path}", typed];
    const patterns = (text: string): unknown =>
      decodedMatches(slashed, "GET", ["a", text])?.map(({ route }) => route.pattern);
    expect(patterns("p/1/1.5/true")).toEqual(all);
    for (const text of ["p/x/1.5/true", "p/1.5/1.5/true", "p/1/1.50/true", "p/1/1.5/yes"]) {
      expect([text, patterns(text)]).toEqual([text, all.slice(0, 2)]);
    }
  });
});

test.each([
  ["1.5", "true", true],
  ["x", "true", false],
  ["1.50", "true", false],
  ["1.5", "yes", false],
])(
  "a path's number %s and boolean %s are taken in their canonical form only: %s",
  (r, t, taken) => {
    const typed = defineService({
      name: "hub",
      baseUrl: "https://hub.example",
      credential: bearer(),
      scopes: { read: ["GET /:r{number}/:t{boolean}"] },
    });
    expect(matchRoute(typed, "GET", [r, t]) !== undefined).toBe(taken);
  },
);
