import type { Grant } from "@agent-keys/core";
import { describe, expect, test } from "vitest";
import { bearer, query } from "../service/credential.ts";
import { defineService } from "../service/define-service.ts";
import { authorize } from "./authorize.ts";
import type { AskedRequest, Decision } from "./decision.ts";

/** Without foreign credentials: nothing but a constraint makes the broker read a body. */
const plain = defineService({
  name: "hub",
  baseUrl: "https://hub.example",
  credential: query("api_key"),
  scopes: {
    "issues.write": [
      { route: "POST /repos/:owner/issues", json: { title: "string", size: "int" } },
      { route: "POST /repos/:owner/forms", form: { title: "string" } },
    ],
    "files.write": ["PUT /repos/:owner/files"],
    "items.read": [
      {
        route: "GET /items?name&page{int}&size{number}&fields[]&filter{json}",
        headers: { "X-Hub-Team": "string" },
      },
      "GET /tokens?access_token",
      "GET /files/:path*",
      "GET /tags/:tag{path}",
    ],
  },
});
const foreign = defineService({
  name: "hub",
  baseUrl: "https://hub.example",
  credential: bearer(),
  foreignCredentials: ["token"],
  scopes: { "items.read": ["GET /items?name"], "files.write": ["PUT /repos/:owner/files"] },
});

type Asked = Partial<AskedRequest> & { readonly path: string };

function ask(grants: readonly Grant[], asked: Asked, service = plain): Decision {
  const request = { method: "GET", query: "", headers: [], body: "none" as const, ...asked };
  return authorize(request, { grants }, service);
}

function verdict(grants: readonly Grant[], asked: Asked, service = plain): string {
  const decision = ask(grants, asked, service);
  return decision.outcome === "refused" ? `${decision.code}: ${decision.check}` : decision.outcome;
}

function sent(grants: readonly Grant[], asked: Asked, service = plain): string {
  const decision = ask(grants, asked, service);
  if (decision.outcome !== "allowed") return decision.outcome;
  const { body } = decision.forward;
  return typeof body === "string" ? body : Buffer.from(body).toString();
}

const typed = (type: string, ...more: [string, string][]) =>
  [["accept", "*/*"], ["content-type", type], ...more] as const;
const json = typed("application/json");
const form = typed("application/x-www-form-urlencoded");
const octets = typed("application/octet-stream");
const bytes = (text: string): Uint8Array => Buffer.from(text);
const failed = "constraint_failed: constraint";

const items = { scope: "hub:items.read" };
const issues = { scope: "hub:issues.write", where: { owner: "a" } };
const files = { scope: "hub:files.write" };
const post = { path: "/repos/a/issues", method: "POST" };
const put = { path: "/repos/a/files", method: "PUT" };

describe("a body is read", () => {
  test("under any constraint, whatever it says that it is", () => {
    const here = { ...files, where: { owner: "a" } };
    expect(verdict([files], { ...put, headers: json, body: "unread" })).toBe("allowed");
    expect(verdict([here], { ...put, headers: octets, body: "unread" })).toBe("needs_body");
    expect(verdict([here], { ...put, body: "unread" })).toBe("needs_body");
    for (const type of ["application/json", "Text/JSON", form[1][1]]) {
      const asked = { ...put, headers: typed(type), body: "unread" as const };
      expect([type, verdict([here], asked)]).toEqual([type, "needs_body"]);
    }
    expect(verdict([issues], { ...post, headers: octets, body: "unread" })).toBe("needs_body");
  });

  test("in any form, when a name is constrained that the route does not know", () => {
    const odd = { ...files, where: { owner: "a", title: { any: true, optional: true } } } as const;
    expect(verdict([odd], { ...put, headers: octets, body: "unread" })).toBe("needs_body");
    const refusal = verdict([odd], { ...put, headers: octets, body: bytes("{}") });
    expect(refusal).toBe("request_invalid: body");
  });

  test("when any of the grants is closed, and names no more than that one allows", () => {
    const closed: Grant = { ...files, where: { owner: { any: true } }, only: true };
    const grants = [closed, files];
    expect(verdict(grants, { ...put, headers: octets, body: "unread" })).toBe("needs_body");
    expect(ask(grants, { ...put, headers: json, body: bytes("{}") })).toMatchObject({
      grants: [0, 1],
    });
    expect(ask(grants, { ...put, headers: json, body: bytes('{"x":1}') })).toMatchObject({
      grants: [1],
    });
    expect(ask(grants, { ...put, headers: json, body: bytes('["x"]') })).toMatchObject({
      grants: [1],
    });
    expect(verdict([closed], { ...put, headers: json, body: bytes('["x"]') })).toBe(failed);
    expect(verdict([closed], { ...put, headers: form, body: bytes("") })).toBe("allowed");
    expect(verdict([closed], { ...put, headers: typed("text/plain"), body: bytes("{}") })).toBe(
      "request_invalid: body",
    );
  });

  test("says which route it is of", () => {
    const decision = ask([issues], { ...post, headers: json, body: "unread" });
    expect(decision).toEqual({ outcome: "needs_body", route: plain.routes[0] });
  });

  test("uncompressed, and may be compressed where nobody reads it", () => {
    const identity = typed("application/json", ["content-encoding", "Identity"]);
    const gzip = typed("application/json", ["content-encoding", "gzip"]);
    expect(verdict([issues], { ...post, headers: identity, body: bytes("{}") })).toBe("allowed");
    expect(verdict([issues], { ...post, headers: gzip, body: bytes("{}") })).toBe(
      "request_invalid: body",
    );
    expect(sent([files], { ...put, headers: gzip, body: "unread" })).toBe("stream");
  });
});

describe("a body is taken", () => {
  test.each([
    ["application/json", "allowed"],
    ["application/json;charset=utf-8", "allowed"],
    ['Application/JSON;  Charset="UTF8"', "allowed"],
    ["application/json;", "allowed"],
    ["application/json; boundary=x", "request_invalid: body"],
    ["application/jsonp", "request_invalid: body"],
    ["application/+json", "request_invalid: body"],
    ["x-application/json", "request_invalid: body"],
    ["application/x-www-form-urlencoded", "request_invalid: body"],
  ])("of the route's formats only: %s", (type, expected) => {
    expect(verdict([issues], { ...post, headers: typed(type), body: bytes("{}") })).toBe(expected);
  });

  test("as a form where that is the format, and then not as JSON", () => {
    const asked = { ...post, path: "/repos/a/forms" };
    expect(verdict([issues], { ...asked, headers: form, body: bytes("title=x") })).toBe("allowed");
    expect(verdict([issues], { ...asked, headers: json, body: bytes("{}") })).toBe(
      "request_invalid: body",
    );
  });

  test.each(['["x"]', '"x"', "null", "7", "[]"])("without names, and sent on: %s", (text) => {
    expect(sent([issues], { ...post, headers: json, body: bytes(` ${text} `) })).toBe(text);
  });

  test("with names that a closed grant allows, as JSON and as a form", () => {
    const closed: Grant = {
      scope: issues.scope,
      where: { owner: "a", title: { any: true } },
      only: true,
    };
    expect(verdict([closed], { ...post, headers: json, body: bytes('{"title":"x"}') })).toBe(
      "allowed",
    );
    const asked = { ...post, path: "/repos/a/forms", headers: form };
    expect(verdict([closed], { ...asked, body: bytes("title=x") })).toBe("allowed");
    expect(verdict([closed], { ...asked, body: bytes("title=x&more=y") })).toBe(failed);
  });
});

describe("a value is", () => {
  const named = (where: NonNullable<Grant["where"]>): readonly Grant[] => [{ ...items, where }];

  test("text where the route says so, also where it looks like a number", () => {
    expect(verdict(named({ name: "5" }), { path: "/items", query: "name=5" })).toBe("allowed");
    expect(verdict(named({ name: 5 }), { path: "/items", query: "name=5" })).toBe(failed);
    expect(verdict(named({ filter: "5" }), { path: "/items", query: "filter=5" })).toBe("allowed");
    expect(verdict(named({ path: "5" }), { path: "/files/5" })).toBe("allowed");
    expect(verdict(named({ tag: "5" }), { path: "/tags/5" })).toBe("allowed");
    expect(verdict(named({ tag: 5 }), { path: "/tags/5" })).toBe(failed);
    expect(verdict(named({ page: 5 }), { path: "/items", query: "page=5" })).toBe("allowed");
  });

  test("every one of a list, wherever the wrong one stands", () => {
    const grants = named({ "fields[]": { in: ["a", "b", "c"] } });
    const query = (...values: readonly string[]): string =>
      values.map((value) => `fields[]=${value}`).join("&");
    expect(verdict(grants, { path: "/items", query: query("a", "b", "c") })).toBe("allowed");
    expect(verdict(grants, { path: "/items", query: query("x", "a", "b") })).toBe(failed);
    expect(verdict(grants, { path: "/items", query: query("a", "x", "b") })).toBe(failed);
  });

  test("no concern of anybody's under a name that nothing declares, as often as it comes", () => {
    expect(verdict(named({ name: "x" }), { path: "/items", query: "name=x&s=1&s=2" })).toBe(
      "allowed",
    );
  });

  test.each([
    "x_hub_team",
    "x+hub.team",
    "X-HUB-TEAM",
    " x-hub-team",
    "x hub team",
    "x-hub-team[a]",
  ])("not to be had by a header's name, nor by %j, in a query", (name) => {
    const asked = { path: "/items", query: `${encodeURIComponent(name)}=1` };
    expect(verdict([items], asked)).toBe("request_invalid: parameter");
  });

  test("to be had by names that are others", () => {
    for (const name of ["hubteam", "[", "[x]", "x"]) {
      const asked = { path: "/items", query: `${encodeURIComponent(name)}=1` };
      expect([name, verdict([items], asked)]).toEqual([name, "allowed"]);
    }
  });

  test("read from headers that are declared, and from no other", () => {
    const grants: readonly Grant[] = [
      { ...items, where: { "x-hub-team": "T1", name: { any: true, optional: true } }, only: true },
    ];
    const headers = [
      ["accept", "*/*"],
      ["name", "other"],
      ["x-hub-team", "T1"],
    ] as const;
    const decision = ask(grants, { path: "/items", headers });
    expect(decision).toMatchObject({ outcome: "allowed" });
    if (decision.outcome !== "allowed") return;
    expect(decision.forward.headers).toEqual({ accept: "*/*", "x-hub-team": "T1" });
  });
});

describe("what is said of a decision", () => {
  test("is the route, and what is sent, all of it", () => {
    expect(ask([items], { path: "/items", method: "HEAD" })).toEqual({
      outcome: "allowed",
      route: plain.routes.find(({ pattern }) => pattern === "/items"),
      scope: "hub:items.read",
      grants: [0],
      forward: { method: "HEAD", path: "/items", query: "", headers: {}, body: "none" },
    });
  });

  test("is the route that refuses, and outside of which names, and nothing to send", () => {
    const long = "n".repeat(101);
    const grants: readonly Grant[] = [
      { ...items, where: { name: "x", page: 1 } },
      { ...items, where: { name: { any: true } }, only: true },
    ];
    const decision = ask(grants, { path: "/items", query: `name=y&${long}=1` });
    expect(decision).toEqual({
      outcome: "refused",
      code: "constraint_failed",
      check: "constraint",
      detail: `outside the key's grants: name, page, ${long.slice(1)}`,
      route: plain.routes.find(({ pattern }) => pattern === "/items"),
    });
    expect(ask(grants, { path: "/nowhere" })).not.toHaveProperty("route");
  });
});

describe("the caller's own credential", () => {
  test("is no parameter, and is not sent on, in a query", () => {
    const closed: Grant = { ...items, where: { name: { any: true } }, only: true };
    for (const [service, own, other] of [
      [plain, "api_key", "token"],
      [foreign, "token", "api_key"],
      [foreign, "token", "authorization"],
    ] as const) {
      const asked = { path: "/items", query: `name=x&${own}=secret` };
      const decision = ask([closed], asked, service);
      expect(decision).toMatchObject({ outcome: "allowed", forward: { query: "?name=x" } });
      const more = { path: "/items", query: `name=x&${other}=y` };
      expect(verdict([closed], more, service)).toBe(failed);
    }
  });

  test("is no bearer in a query either, unless the route takes a parameter of that name", () => {
    for (const name of ["access_token", "Access-Token", "access_token[]"]) {
      const asked = { path: "/items", query: `name=x&${name}=secret` };
      expect(ask([items], asked)).toMatchObject({ forward: { query: "?name=x" } });
    }
    const declared = { path: "/tokens", query: "access_token=x" };
    expect(ask([items], declared)).toMatchObject({ forward: { query: "?access_token=x" } });
  });

  test("has the body read where one may stand in it, and only there", () => {
    const asked = { ...put, headers: json, body: "unread" as const };
    expect(verdict([files], asked, foreign)).toBe("needs_body");
    expect(verdict([files], { ...asked, headers: octets }, foreign)).toBe("allowed");
    expect(verdict([files], asked, plain)).toBe("allowed");
  });
});
