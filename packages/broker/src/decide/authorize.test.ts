import type { Grant } from "@agent-keys/core";
import { describe, expect, test } from "vitest";
import { bearer } from "../service/credential.ts";
import { defineService } from "../service/define-service.ts";
import { authorize } from "./authorize.ts";
import type { AskedRequest, Decision } from "./decision.ts";

const service = defineService({
  name: "hub",
  baseUrl: "https://hub.example/api",
  credential: bearer(),
  forwardHeaders: ["x-hub-version"],
  foreignCredentials: ["token"],
  scopes: {
    "repos.read": [
      "GET /repos/:owner/:repo",
      "GET /repos/:owner/:repo/contents/:path*?ref",
      "GET /repos/:owner/:repo/tags/:tag{path}",
      "GET /repos/:owner/:repo/issues/:number{int}",
    ],
    "search.read": ["GET /search?q&page{int}&fields[]"],
    "issues.write": [
      {
        route: "POST /repos/:owner/:repo/issues",
        json: { title: "string", labels: "string", milestone: "int" },
      },
    ],
    "chat.write": [
      {
        route: "POST /chat.postMessage",
        json: { channel: "string", text: "string" },
        form: { channel: "string", text: "string" },
        headers: { "X-Hub-Team": "string" },
      },
    ],
    "files.write": ["PUT /repos/:owner/:repo/files"],
    "assets.write": [{ route: "POST /repos/:owner/:repo/assets?name", bytes: true }],
  },
});

type Asked = Partial<AskedRequest> & { readonly path: string };

function ask(grants: Grant | readonly Grant[], asked: Asked): Decision {
  const list = Array.isArray(grants) ? (grants as readonly Grant[]) : [grants as Grant];
  const request = { method: "GET", query: "", headers: [], body: "none" as const, ...asked };
  return authorize(request, { grants: list }, service);
}

function verdict(grants: Grant | readonly Grant[], asked: Asked): string {
  const decision = ask(grants, asked);
  if (decision.outcome === "refused") return `${decision.code}: ${decision.check}`;
  return decision.outcome;
}

function sent(grants: Grant, asked: Asked) {
  const decision = ask(grants, asked);
  if (decision.outcome !== "allowed") throw new Error(JSON.stringify(decision));
  const { body, ...forward } = decision.forward;
  return { ...forward, body: typeof body === "string" ? body : Buffer.from(body).toString() };
}

const json = [["content-type", "application/json"]] as const;
const form = [["content-type", "application/x-www-form-urlencoded"]] as const;
const bytes = (text: string): Uint8Array => Buffer.from(text);

const read = { scope: "hub:repos.read" };
const acme: Grant = { ...read, where: { owner: "acme" } };

describe("a route is what it says", () => {
  test.each([
    ["/repos/acme/site", "GET", "allowed"],
    ["/repos/acme/site", "HEAD", "allowed"],
    ["/repos/acme/site", "get", "route_unknown: route"],
    ["/repos/acme/site", "DELETE", "route_unknown: route"],
    ["/repos/acme", "GET", "route_unknown: route"],
    ["/repos/acme/site/", "GET", "allowed"],
    ["/REPOS/acme/site", "GET", "route_unknown: route"],
    ["/repos/acme/site/issues/12", "GET", "allowed"],
    ["/repos/acme/site/issues/012", "GET", "route_unknown: route"],
    ["/repos/acme/site/issues/1e1", "GET", "route_unknown: route"],
    ["/repos/acme/site/issues/x", "GET", "route_unknown: route"],
    ["/repos/acme/a%2Fb", "GET", "route_unknown: route"],
    ["/repos/acme/site/tags/v1%2Fb", "GET", "allowed"],
    ["/repos/acme/site/contents/docs/a.md", "GET", "allowed"],
    ["/repos/acme/site/contents/docs%2Fa.md", "GET", "allowed"],
    ["/repos/acme/site/contents", "GET", "route_unknown: route"],
    ["/search", "GET", "insufficient_scope: scope"],
  ])("%s with %s: %s", (path, method, expected) => {
    expect(verdict(acme, { path, method })).toBe(expected);
  });

  test("a body where there is none is refused", () => {
    expect(verdict(read, { path: "/repos/a/b", body: "unread" })).toBe("request_invalid: body");
  });
});

describe("constraints on the path and the query", () => {
  test("hold on the decoded value", () => {
    expect(verdict(acme, { path: "/repos/%61cme/site" })).toBe("allowed");
    expect(verdict(acme, { path: "/repos/acme2/site" })).toBe("constraint_failed: constraint");
    expect(verdict(acme, { path: "/repos/Acme/site" })).toBe("constraint_failed: constraint");
  });

  test("hold on the type that the route declares", () => {
    const one: Grant = { ...read, where: { number: { min: 1, max: 9 } } };
    expect(verdict(one, { path: "/repos/a/b/issues/9" })).toBe("allowed");
    expect(verdict(one, { path: "/repos/a/b/issues/10" })).toBe("constraint_failed: constraint");
    const search: Grant = { scope: "hub:search.read", where: { page: { max: 3, optional: true } } };
    expect(verdict(search, { path: "/search", query: "q=x&page=3" })).toBe("allowed");
    expect(verdict(search, { path: "/search", query: "q=x&page=4" })).toBe(
      "constraint_failed: constraint",
    );
    expect(verdict(search, { path: "/search", query: "q=x&page=+3" })).toBe(
      "constraint_failed: constraint",
    );
  });

  const search: Grant = { scope: "hub:search.read", where: { q: { prefix: "repo:acme/" } } };
  test.each([
    ["q=repo%3Aacme%2Fx", "allowed"],
    ["q=repo:acme/x", "allowed"],
    ["q=repo:acme/x&sort=stars", "allowed"],
    ["q=repo:acme/x&q=repo:evil/x", "request_invalid: parameter"],
    ["q=repo:acme/x&Q=repo:evil/x", "request_invalid: parameter"],
    ["q=repo:acme/x&q[]=repo:evil/x", "request_invalid: parameter"],
    ["q=repo:acme/x&q%5B%5D=repo:evil/x", "request_invalid: parameter"],
    ["q=repo:acme/x&q[0]=repo:evil/x", "request_invalid: parameter"],
    ["q=repo:acme/x&%71=repo:evil/x", "request_invalid: parameter"],
    ["q=repo:acme/x&%EF%BD%91=repo:evil/x", "request_invalid: parameter"],
    ["q=repo:acme/x&+q=repo:evil/x", "request_invalid: parameter"],
    ["q=repo:acme/x;q=repo:evil/x", "allowed"],
    ["q=repo:acme/x&q%00=repo:evil/x", "request_invalid: query"],
    ["q=repo:acme/x&%zz=1", "request_invalid: query"],
    ["q=repo:acme/x&=1", "request_invalid: query"],
    [`q=repo:acme/x${"&a".repeat(999)}`, "allowed"],
    [`q=repo:acme/x${"&a".repeat(1000)}`, "request_invalid: query"],
    [`q=repo:acme/x&${"a".repeat(200)}=1`, "allowed"],
    [`q=repo:acme/x&${"a".repeat(201)}=1`, "request_invalid: query"],
    ["q=repo:acme/x&_method=DELETE", "request_invalid: parameter"],
    ["", "constraint_failed: constraint"],
    ["q=", "constraint_failed: constraint"],
  ])("?%s: %s", (query, expected) => {
    expect(verdict(search, { path: "/search", query })).toBe(expected);
  });

  test("a name of the path cannot be said again in the query", () => {
    expect(verdict(acme, { path: "/repos/acme/site", query: "owner=evil" })).toBe(
      "request_invalid: parameter",
    );
    expect(verdict(read, { path: "/repos/acme/site", query: "Owner=evil" })).toBe(
      "request_invalid: parameter",
    );
  });

  test("what is sent is written anew: no `;` is left that might separate", () => {
    const { query } = sent(search, { path: "/search", query: "q=repo:acme/x;q=evil&&x" });
    expect(query).toBe("?q=repo%3Aacme%2Fx%3Bq%3Devil&x=");
  });

  test("a name that nothing declares is a value only for `only`", () => {
    const closed: Grant = { scope: "hub:search.read", where: { q: { any: true } }, only: true };
    expect(verdict(closed, { path: "/search", query: "q=x" })).toBe("allowed");
    expect(verdict(closed, { path: "/search", query: "q=x&sort=y" })).toBe(
      "constraint_failed: constraint",
    );
    expect(verdict(closed, { path: "/search", query: "q=x&__proto__=y" })).toBe(
      "constraint_failed: constraint",
    );
  });

  test("a name that is declared as a list may occur more than once, and each is held", () => {
    const some: Grant = { scope: "hub:search.read", where: { "fields[]": { in: ["a", "b"] } } };
    expect(verdict(some, { path: "/search", query: "fields[]=a&fields[]=b" })).toBe("allowed");
    expect(verdict(some, { path: "/search", query: "fields[]=a&fields[]=c" })).toBe(
      "constraint_failed: constraint",
    );
  });

  test("a constrained name that the route does not know refuses", () => {
    const odd: Grant = { ...read, where: { org: "acme" } };
    expect(verdict(odd, { path: "/repos/acme/site" })).toBe("constraint_failed: constraint");
    expect(verdict(odd, { path: "/repos/acme/site", query: "org=acme" })).toBe(
      "request_invalid: parameter",
    );
  });
});

describe("constraints on the body", () => {
  const chat: Grant = { scope: "hub:chat.write", where: { channel: "C1" } };
  const post = { path: "/chat.postMessage", method: "POST" };

  test("bytes pass as they are, whatever they say they are, held to what stands beside them", () => {
    const assets: Grant = { scope: "hub:assets.write", where: { owner: "a" } };
    const upload = { method: "POST", headers: json, body: "unread" as const };
    const here = { ...upload, path: "/repos/a/b/assets", query: "name=x.json" };
    const decision = ask(assets, here);
    expect(decision).toMatchObject({ outcome: "allowed", forward: { body: "stream" } });
    expect(verdict(assets, { ...here, path: "/repos/c/b/assets" })).toBe(
      "constraint_failed: constraint",
    );
    const named: Grant = { ...assets, where: { title: "x" } };
    expect(verdict(named, here)).toBe("constraint_failed: constraint");
    expect(verdict({ ...assets, only: true }, here)).toBe("needs_body");
  });

  test.each(["multipart/form-data; boundary=x", undefined])(
    "a credential of the caller's own cannot hide in a body of type %s",
    (type) => {
      const headers = type === undefined ? [] : [["content-type", type] as const];
      const free = { scope: "hub:chat.write" };
      expect(verdict(free, { ...post, headers, body: "unread" })).toBe("needs_body");
      const body = Buffer.from(
        '--x\r\nContent-Disposition: form-data; name="token"\r\n\r\nt\r\n--x--',
      );
      expect(verdict(free, { ...post, headers, body })).toBe("request_invalid: body");
    },
  );

  test("the body is asked for, and only when something constrains the request", () => {
    expect(verdict(chat, { ...post, headers: json, body: "unread" })).toBe("needs_body");
    const free = { scope: "hub:issues.write" };
    const issues = { path: "/repos/a/b/issues", method: "POST", body: "unread" as const };
    const octets = [["content-type", "application/octet-stream"]] as const;
    expect(verdict(free, { ...issues, headers: octets })).toBe("allowed");
    const here: Grant = { ...free, where: { owner: "a" } };
    expect(verdict(here, { ...issues, headers: json })).toBe("needs_body");
    expect(verdict(here, { ...issues, headers: octets })).toBe("needs_body");
    const files: Grant = { scope: "hub:files.write", where: { owner: "a" } };
    const put = { path: "/repos/a/b/files", method: "PUT", body: "unread" as const };
    expect(verdict(files, { ...put, headers: octets })).toBe("needs_body");
    expect(verdict(files, { ...put, headers: json })).toBe("needs_body");
  });

  const many = (count: number): string =>
    JSON.stringify(Array.from({ length: count }, (_, i) => [`n${i}`, 1])).slice(1, -1);
  test.each([
    ["1,001 names", `{"channel":"C1",${many(1000).replaceAll(/\[("n\d+"),1\]/g, "$1:1")}}`],
    ["a name of 201 characters", `{"channel":"C1","${"x".repeat(201)}":1}`],
    [
      "a name that takes minutes to normalise",
      `{"x${"\u0301".repeat(200_000)}${"\u0316".repeat(200_000)}":1}`,
    ],
    ["60,000 names further inside", `{"channel":"C1","a":[${'{"a":1},'.repeat(60_000)}1]}`],
  ])("%s are refused, and at once", (_, text) => {
    const startedMs = performance.now();
    expect(verdict(chat, { ...post, headers: json, body: bytes(text) })).toBe(
      "request_invalid: body",
    );
    expect(performance.now() - startedMs).toBeLessThan(2000);
  });

  test("1,000 names of 200 characters are not too many or too long", () => {
    const text = `{"channel":"C1",${many(998).replaceAll(/\[("n\d+"),1\]/g, "$1:1")},"${"x".repeat(200)}":1}`;
    expect(verdict(chat, { ...post, headers: json, body: bytes(text) })).toBe("allowed");
  });

  test.each([
    "_method",
    "_METHOD",
    ".method",
    "X-HTTP-Method-Override",
    "xHttpMethodOverride",
    "chan\u200bnel",
    "channel\ufe0f",
  ])("a member %j is refused: some would take it for another", (name) => {
    const body = bytes(JSON.stringify({ channel: "C1", [name]: "DELETE" }));
    expect(verdict(chat, { ...post, headers: json, body })).toBe("request_invalid: parameter");
  });

  test.each([
    [json, '{"channel":"C1","text":"hi"}', "allowed"],
    [json, '{"channel":"C2"}', "constraint_failed: constraint"],
    [json, '{"text":"hi"}', "constraint_failed: constraint"],
    [json, '{"channel":["C1"]}', "constraint_failed: constraint"],
    [json, '{"channel":["C1","C2"]}', "constraint_failed: constraint"],
    [json, '{"channel":[]}', "constraint_failed: constraint"],
    [json, '{"channel":null}', "constraint_failed: constraint"],
    [json, '{"channel":"C1","channel":"C2"}', "request_invalid: body"],
    [json, '{"channel":"C1","Channel":"C2"}', "request_invalid: parameter"],
    [json, '{"channel":"C1","channel ":"C2"}', "request_invalid: parameter"],
    [json, '{"channel":"C1","nested":{"channel":"C2"}}', "allowed"],
    [json, '{"channel":"C1","method":"tools/list"}', "allowed"],
    [json, '["C1"]', "constraint_failed: constraint"],
    [json, '"C1"', "constraint_failed: constraint"],
    [json, "", "request_invalid: body"],
    [json, "{", "request_invalid: body"],
    [json, "channel=C1", "request_invalid: body"],
    [form, "channel=C1&text=hi", "allowed"],
    [form, "channel=C2", "constraint_failed: constraint"],
    [form, "channel=C1&channel=C2", "request_invalid: parameter"],
    [form, "channel=C1&channel[]=C2", "request_invalid: parameter"],
    [form, "channel=C1\r\nchannel=C2", "request_invalid: body"],
    [form, '{"channel":"C1"}', "constraint_failed: constraint"],
    [[["content-type", "text/plain"]] as const, '{"channel":"C1"}', "request_invalid: body"],
    [
      [["content-type", "multipart/form-data; boundary=x"]] as const,
      "--x",
      "request_invalid: body",
    ],
    [
      [["content-type", "application/json; charset=utf-16"]] as const,
      "{}",
      "request_invalid: body",
    ],
    [[["content-type", "application/json; charset=utf-8"]] as const, '{"channel":"C1"}', "allowed"],
    [[["content-type", "application/vnd.hub+json"]] as const, '{"channel":"C1"}', "allowed"],
    [[...json, ["content-encoding", "gzip"]] as const, '{"channel":"C1"}', "request_invalid: body"],
    [[...json, ...form] as const, '{"channel":"C1"}', "request_invalid: header"],
    [[] as const, '{"channel":"C1"}', "request_invalid: body"],
  ])("%j %s: %s", (headers, text, expected) => {
    expect(verdict(chat, { ...post, headers, body: bytes(text) })).toBe(expected);
  });

  test("a name of the body cannot be said in the query, nor the other way round", () => {
    const body = bytes('{"channel":"C1"}');
    expect(verdict(chat, { ...post, query: "channel=C2", headers: json, body })).toBe(
      "request_invalid: parameter",
    );
    expect(verdict(chat, { ...post, query: "channel=C1" })).toBe("request_invalid: parameter");
  });

  test("an absent body has no values", () => {
    expect(verdict(chat, post)).toBe("constraint_failed: constraint");
  });

  test("what is sent is the value that was decided on, without the caller's credentials", () => {
    const text = ' { "token" : "xoxp-own", "channel":"C1", "__proto__": {"a":1}, "n": 1.50 } ';
    const { body } = sent(chat, { ...post, query: "token=x", headers: json, body: bytes(text) });
    expect(body).toBe('{"channel":"C1","__proto__":{"a":1},"n":1.5}');
    const asForm = sent(chat, {
      ...post,
      headers: form,
      body: bytes("token=x&channel=C1&text=a+b"),
    });
    expect(asForm.body).toBe("channel=C1&text=a%20b");
  });

  test("under `only` a body of no names is refused, and a body is always read", () => {
    const closed: Grant = {
      ...chat,
      where: { channel: { any: true, optional: true } },
      only: true,
    };
    const body = bytes('["x"]');
    expect(verdict(closed, { ...post, headers: json, body })).toBe("constraint_failed: constraint");
    const uploads = { scope: "hub:files.write", only: true, where: { owner: "a", repo: "b" } };
    const put = { path: "/repos/a/b/files", method: "PUT" };
    expect(verdict(uploads, { ...put, body: "unread" })).toBe("needs_body");
    expect(verdict(uploads, { ...put, body: bytes("x") })).toBe("request_invalid: body");
    expect(verdict(uploads, put)).toBe("allowed");
  });

  test("a header that is declared is a value too", () => {
    const team: Grant = { scope: "hub:chat.write", where: { "x-hub-team": "T1" } };
    const asked = (...headers: readonly [string, string][]): Asked => ({ ...post, headers });
    expect(verdict(team, asked(["x-hub-team", "T1"]))).toBe("allowed");
    expect(verdict(team, asked(["x-hub-team", "T2"]))).toBe("constraint_failed: constraint");
    expect(verdict(team, asked(["x-hub-team", "T1"], ["x-hub-team", "T2"]))).toBe(
      "request_invalid: header",
    );
  });
});

describe("headers", () => {
  test("only known ones are sent on", () => {
    const { headers } = sent(read, {
      path: "/repos/a/b",
      headers: [
        ["accept", "application/json"],
        ["accept", "text/html"],
        ["x-hub-version", "7"],
        ["cookie", "session=1"],
        ["x-api-key", "sk-1"],
        ["proxy-authorization", "Basic x"],
        ["x-http-method-override", "DELETE"],
        ["x-forwarded-host", "evil.example"],
        ["connection", "accept"],
      ],
    });
    expect(headers).toEqual({ accept: "application/json, text/html", "x-hub-version": "7" });
  });
});

describe("several grants", () => {
  test("one grant has to allow all of it", () => {
    const halves: readonly Grant[] = [
      { ...read, where: { owner: "acme", repo: "site" } },
      { ...read, where: { owner: "globex", repo: "shop" } },
    ];
    expect(ask(halves, { path: "/repos/globex/shop" })).toMatchObject({ grants: [1] });
    expect(verdict(halves, { path: "/repos/acme/shop" })).toBe("constraint_failed: constraint");
  });

  test("all that allow it are named, and the scope of the route", () => {
    expect(ask([acme, read], { path: "/repos/acme/site" })).toMatchObject({
      scope: "hub:repos.read",
      grants: [0, 1],
    });
  });

  test("no grants allow nothing", () => {
    expect(verdict([], { path: "/repos/acme/site" })).toBe("insufficient_scope: scope");
  });
});
