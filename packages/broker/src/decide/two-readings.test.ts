import type { Grant } from "@agent-keys/core";
import { describe, expect, test } from "vitest";
import { bearer } from "../service/credential.ts";
import { defineService } from "../service/define-service.ts";
import type { Service } from "../service/service.ts";
import { github } from "../services/github.ts";
import { authorize } from "./authorize.ts";
import type { AskedRequest } from "./decision.ts";

// What one server reads as a value, another reads as another route, another name, or another type.

const json = { title: "string", labels: "string[]", sizes: "int[]", extra: "json" } as const;
const service = defineService({
  name: "hub",
  baseUrl: "https://hub.example",
  credential: bearer(),
  foreignCredentials: ["api_token"],
  scopes: {
    "branches.read": ["GET /branches/:branch{path}", "GET /pairs/:a{path}/:rest*"],
    "branches.admin": ["GET /branches/:branch{path}/protection"],
    "branches.all": ["GET /branches/:branch{path}/protection"],
    write: [{ route: "POST /items?tags[]", json, form: json }],
  },
});

type Asked = Partial<AskedRequest> & { readonly path: string };

function verdict(grants: readonly Grant[], asked: Asked, of: Service = service): string {
  const request = { method: "GET", query: "", headers: [], body: "none" as const, ...asked };
  const decision = authorize(request, { grants }, of);
  return decision.outcome === "refused" ? `${decision.code}: ${decision.check}` : decision.outcome;
}

describe("a slash that a server may decode", () => {
  const read = { scope: "hub:branches.read" };
  const admin = { scope: "hub:branches.admin" };

  test.each([
    ["/branches/main", "allowed"],
    ["/branches/feature%2Fx", "allowed"],
    ["/branches/protection", "allowed"],
    ["/branches/main%2Fprotection", "insufficient_scope: scope"],
    ["/branches/main%2fprotection", "insufficient_scope: scope"],
    // To a server that takes more than one segment for a branch.
    ["/branches/release%2F1%2Fprotection", "insufficient_scope: scope"],
    [`/branches/${"a%2F".repeat(62)}a`, "allowed"],
    [`/branches/${"a%2F".repeat(63)}a`, "request_invalid: path"],
  ])("is no way to a route of another scope: %s is %s", (path, expected) => {
    expect(verdict([read], { path })).toBe(expected);
  });

  test("must be allowed by one grant, whichever way it is read", () => {
    const path = "/branches/main%2Fprotection";
    expect(verdict([read, admin], { path })).toBe("constraint_failed: path");
    expect(verdict([admin], { path })).toBe("insufficient_scope: scope");
    expect(verdict([admin], { path: "/branches/release%2F1/protection" })).toBe("allowed");
  });

  test("is held to the constraints of each reading", () => {
    const own = (where: Grant["where"]): Grant[] => [{ ...read, where }];
    expect(verdict(own({ a: "x/y" }), { path: "/pairs/x%2Fy/z" })).toBe(
      "constraint_failed: constraint",
    );
    expect(verdict(own({ a: { prefix: "x" } }), { path: "/pairs/x%2Fy/z" })).toBe("allowed");
    const main = own({ branch: "release/1" });
    expect(verdict(main, { path: "/branches/release%2F1" })).toBe("allowed");
    expect(verdict(main, { path: "/branches/release%2F2" })).toBe("constraint_failed: constraint");
  });

  test("leaves GitHub's files and refs as they are", () => {
    const repo = "/repos/acme/site";
    const contents = [{ scope: "github:contents.read", where: { owner: "acme", repo: "site" } }];
    for (const path of [
      `${repo}/contents/docs%2Fa.md`,
      `${repo}/git/ref/heads%2Ffeature`,
      `${repo}/git/ref/heads%2Ffeature%2Fx`,
      `${repo}/branches/feature%2Fx`,
      `${repo}/commits/feature%2Fx`,
      `${repo}/compare/a%2Fb...c%2Fd`,
    ]) {
      expect([path, verdict(contents, { path }, github)]).toEqual([path, "allowed"]);
    }
    const protection = `${repo}/branches/main%2Fprotection`;
    expect(verdict(contents, { path: protection }, github)).toBe("insufficient_scope: scope");
  });
});

describe("of two readings of one path", () => {
  // The longer one first: what is decided does not hang on which is looked at when.
  const nested = defineService({
    name: "hub",
    baseUrl: "https://hub.example",
    credential: bearer(),
    scopes: {
      "files.label": [{ route: "PUT /files/:path{path}/label", json: { text: "string" } }],
      "files.write": [
        { route: "PUT /files/:path{path}/meta", json: { text: "string" } },
        { route: "PUT /files/:path{path}", bytes: true },
      ],
    },
  });
  const write = { scope: "hub:files.write" };
  const label = { scope: "hub:files.label" };
  const patterns = (grants: readonly Grant[], asked: Asked): unknown => {
    const request = { method: "PUT", query: "", headers: [], body: "none" as const, ...asked };
    const decision = authorize(request, { grants }, nested);
    return { ...decision, route: "route" in decision ? decision.route?.pattern : undefined };
  };
  const json = [["content-type", "application/json"]] as const;

  test("the one that refuses is said, and nothing is sent", () => {
    const both = patterns([write, label], { path: "/files/a%2Flabel" });
    const route = "/files/:path{path}/label";
    expect(both).toMatchObject({ code: "constraint_failed", check: "path", route });
    const one = patterns([write], { path: "/files/a%2Flabel" });
    expect(one).toMatchObject({ code: "insufficient_scope", check: "scope", route });
    expect([both, one].filter((decision) => Object.hasOwn(decision as object, "forward"))).toEqual(
      [],
    );
  });

  test("the one that is held to its body has it read, bytes or not to the other", () => {
    const here: Grant = { ...write, where: { path: { prefix: "a" } } };
    const asked = { path: "/files/a%2Fmeta", headers: json };
    expect(patterns([here], { ...asked, body: "unread" })).toEqual({
      outcome: "needs_body",
      route: "/files/:path{path}/meta",
    });
    const says = (text: string): unknown => patterns([here], { ...asked, body: Buffer.from(text) });
    expect(says('{"text":"x"}')).toMatchObject({ outcome: "allowed" });
    const wrong = { outcome: "refused", code: "request_invalid", check: "parameter" };
    expect(says('{"text":"x","path":"b"}')).toMatchObject(wrong);
  });

  test("a body is asked for before more is looked at", () => {
    const closed: Grant = { ...write, where: { path: { any: true } }, only: true };
    const asked = { path: "/files/a%2Flabel", headers: json, body: "unread" as const };
    const route = "/files/:path{path}";
    expect(patterns([closed], asked)).toEqual({ outcome: "needs_body", route });
    // Also for the sake of one grant of several.
    expect(patterns([write, closed], { ...asked, path: "/files/a" })).toEqual({
      outcome: "needs_body",
      route,
    });
  });

  test("only the grants that allow both are good for it, each of them", () => {
    const under = (path: string | { readonly prefix: string }): Grant => ({
      ...write,
      where: { path },
    });
    const grants = [under("a/meta"), under({ prefix: "a" }), under("a"), under({ prefix: "" })];
    const asked = { path: "/files/a%2Fmeta", headers: json, body: Buffer.from("{}") };
    expect(patterns(grants, asked)).toMatchObject({ outcome: "allowed", grants: [1, 3] });
  });
});

describe("a list or an object", () => {
  const post = (body: object): Asked => ({
    path: "/items",
    method: "POST",
    headers: [["content-type", "application/json"]],
    body: Buffer.from(JSON.stringify(body)),
  });
  const under = (where: Grant["where"]): Grant[] => [{ scope: "hub:write", where }];

  test.each([["a"], ["a", "a"], [], { a: 1 }])(
    "is not one value, where that is constrained: %j",
    (...title) => {
      const value: unknown = title.length === 1 && typeof title[0] === "object" ? title[0] : title;
      for (const where of [
        { title: "a" },
        { title: { in: ["a"] } },
        { title: { any: true } },
      ] as const) {
        expect(verdict(under(where), post({ title: value }))).toBe("constraint_failed: constraint");
      }
      expect(verdict([{ scope: "hub:write" }], post({ title: value }))).toBe("allowed");
    },
  );

  test("is what the route says it may be", () => {
    const labels = under({ labels: { in: ["a", "b"] } });
    expect(verdict(labels, post({ labels: ["a", "b"] }))).toBe("allowed");
    expect(verdict(labels, post({ labels: "a" }))).toBe("allowed");
    expect(verdict(labels, post({ labels: ["a", "c"] }))).toBe("constraint_failed: constraint");
    expect(verdict(labels, post({ labels: { a: "a" } }))).toBe("constraint_failed: constraint");
    expect(verdict(under({ sizes: { max: 3 } }), post({ sizes: [1, 2] }))).toBe("allowed");
    expect(verdict(under({ sizes: { max: 3 } }), post({ sizes: [1, 4] }))).toBe(
      "constraint_failed: constraint",
    );
    expect(verdict(under({ extra: { any: true } }), post({ extra: [{}] }))).toBe("allowed");
  });

  test("in a form is said by the name, and a number by its text", () => {
    const form = (text: string): Asked => ({
      path: "/items",
      method: "POST",
      headers: [["content-type", "application/x-www-form-urlencoded"]],
      body: Buffer.from(text),
    });
    expect(verdict(under({ sizes: 2 }), form("sizes=2"))).toBe("allowed");
    expect(verdict(under({ title: "a" }), form("title=a&title=a"))).toBe(
      "request_invalid: parameter",
    );
    expect(verdict(under({ title: "a" }), form("title=a&title[]=b"))).toBe(
      "request_invalid: parameter",
    );
  });
});

describe("a name that some server folds into a constrained one", () => {
  const where = { api_key: "mine" };
  const named = defineService({
    name: "hub",
    baseUrl: "https://hub.example",
    credential: bearer(),
    foreignCredentials: ["own_token"],
    scopes: {
      read: ["GET /items?api_key"],
      write: [{ route: "POST /items", json: { api_key: "string" } }],
    },
  });

  // As PHP does (main/php_variables.c): leading spaces go, and ` . [` become `_` in the name.
  test.each([
    "api[key",
    "api.key",
    "api key",
    " api_key",
    "api_key[",
    "api_key[x",
    "api_key[]",
    "api+key",
    "apiKey",
    "apikey",
    "API-Key",
    "_api_key_",
  ])("refuses: %j", (name) => {
    const query = `api_key=mine&${encodeURIComponent(name)}=other`;
    expect(verdict([{ scope: "hub:read", where }], { path: "/items", query }, named)).toBe(
      "request_invalid: parameter",
    );
  });

  test.each([
    "own[token",
    "own.token",
    "own token",
    "own_token[0]",
    "ownToken",
    "access[token",
    "accessToken",
  ])("is the caller's own credential in that writing too: %j", (name) => {
    const query = `api_key=mine&${encodeURIComponent(name)}=other`;
    const request = { method: "GET", headers: [], body: "none" as const, path: "/items", query };
    const decision = authorize(request, { grants: [{ scope: "hub:read", where }] }, named);
    expect(decision).toMatchObject({ outcome: "allowed", forward: { query: "?api_key=mine" } });
  });

  test("is not passed where the constraint has a spelling that the route has not", () => {
    const asked = { path: "/items", query: "api_key=other" };
    for (const name of ["apiKey", "API_KEY"]) {
      const grant = {
        scope: "hub:read",
        where: { [name]: { in: ["mine"], optional: true as const } },
      };
      expect(verdict([grant], asked, named)).toBe("request_invalid: parameter");
      expect(verdict([grant], { path: "/items" }, named)).toBe("allowed");
    }
  });

  test("refuses also with a control character, in JSON", () => {
    const asked = (name: string): Asked => ({
      path: "/items",
      method: "POST",
      headers: [["content-type", "application/json"]],
      body: Buffer.from(JSON.stringify({ api_key: "mine", [name]: "other" })),
    });
    expect(verdict([{ scope: "hub:write", where }], asked("x"), named)).toBe("allowed");
    expect(verdict([{ scope: "hub:write", where }], asked("api_key\0x"), named)).toBe(
      "request_invalid: body",
    );
  });
});
