import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { allowed, came, openStand, refused, type Stand } from "./stand.ts";

const SCOPES = {
  read: [
    "GET /repos/:owner/:repo",
    "GET /files/:path*",
    "GET /named/:name{path}",
    "GET /n/:n{int}",
  ],
  admin: ["GET /admin/:what*", "DELETE /repos/:owner/:repo"],
} as const;

let stand: Stand;
beforeAll(async () => {
  stand = await openStand({ service: { scopes: SCOPES } });
});
afterAll(() => stand[Symbol.asyncDispose]());
let before = 0;
beforeEach(() => {
  stand.upstream.reset();
  before = allowed(stand).length;
});

const GRANTS = [
  { scope: "hub:read", where: { owner: "acme" } },
  { scope: "hub:read", where: { path: { prefix: "pub/" } } },
  { scope: "hub:read", where: { name: { prefix: "pub/" } } },
  { scope: "hub:read", where: { n: 7 } },
];

const INVALID = refused(400, "request_invalid");
const OUTSIDE = refused(403, "constraint_failed");
const NO_ROUTE = refused(404, "route_unknown");

test.each([
  ["/hub/repos/acme/../../admin/x", INVALID],
  ["/hub/repos/acme/..", INVALID],
  ["/hub/repos/acme/.", INVALID],
  ["/hub/repos/%2e%2e/admin", INVALID],
  ["/hub/repos/%2E%2e/x", INVALID],
  ["/hub/repos/.%2e/x", INVALID],
  ["/hub/repos/acme%2f..%2fevil/x", INVALID],
  ["/hub/files/pub/..%2fpriv", INVALID],
  ["/hub/files/pub%2f..%2fpriv", INVALID],
  ["/hub/files/pub/%252e%252e/priv", INVALID],
  ["/hub/files/pub%255c..", INVALID],
  ["/hub/files/pub/..%5cpriv", INVALID],
  ["/hub/files/pub%5c..%5cpriv", INVALID],
  ["/hub/files/pub\\..\\priv", INVALID],
  ["/hub/files/pub//priv", INVALID],
  ["/hub/files//pub/a", INVALID],
  ["/hub//files/pub/a", INVALID],
  ["//hub/files/pub/a", NO_ROUTE],
  ["/hub/files/pub/a;x=/../../priv", INVALID],
  ["/hub/repos/acme;evil/x", INVALID],
  ["/hub/repos/acme%3bevil/x", INVALID],
  ["/hub/files/pub/..;/priv", INVALID],
  ["/hub/files/pub/%00", INVALID],
  ["/hub/files/pub/a%0d%0aHost:%20x", INVALID],
  ["/hub/files/pub/%c0%ae%c0%ae/priv", INVALID],
  ["/hub/files/pub/%u002e", INVALID],
  ["/hub/files/pub/%", INVALID],
  ["/hub/files/pub/a#/../b", INVALID],
  ["/hub/repos/ACME/x", OUTSIDE],
  ["/hub/repos/acme%20/x", OUTSIDE],
  ["/hub/repos/acme./x", OUTSIDE],
  ["/hub/files/priv/a", OUTSIDE],
  ["/hub/files/PUB/a", OUTSIDE],
  ["/hub/files/pubx/a", OUTSIDE],
  ["/hub/repos/acme%2fx", NO_ROUTE],
  ["/hub/repos/acme%2fx/y", NO_ROUTE],
  ["/hub/n/07", NO_ROUTE],
  ["/hub/n/7.0", NO_ROUTE],
  ["/hub/n/7e0", NO_ROUTE],
  ["/hub/n/%37%00", INVALID],
  ["/hub/n/8", OUTSIDE],
  ["/hub/admin/x", refused(403, "insufficient_scope")],
  ["/hub/Repos/acme/x", NO_ROUTE],
  ["/HUB/repos/acme/x", NO_ROUTE],
  ["/hub%2frepos/acme/x", NO_ROUTE],
  ["/%68ub/repos/acme/x", NO_ROUTE],
  ["/hub./repos/acme/x", NO_ROUTE],
  ["http://broker/hub/repos/acme/x", INVALID],
  ["http://127.0.0.1@evil.example/hub/repos/acme/x", INVALID],
  ["hub/repos/acme/x", INVALID],
  ["*", INVALID],
])("%s is refused, and nothing is sent", async (path, expected) => {
  const answers = await stand.ask(path, { key: stand.mint(GRANTS) });
  const { allowed: all, ...rest } = came(stand, answers);
  expect({ ...rest, allowed: all - before }).toEqual(expected);
});

test.each([
  ["/hub/repos/acme/x", "/repos/acme/x"],
  ["/hub/repos/%61cme/x", "/repos/acme/x"],
  ["/hub/repos/acme/x/", "/repos/acme/x"],
  ["/hub/files/pub/a%2Fb", "/files/pub/a%2Fb"],
  ["/hub/named/pub%2fa%20b", "/named/pub%2Fa%20b"],
  ["/hub/files/pub/..a/b..", "/files/pub/..a/b.."],
  ["/hub/n/7", "/n/7"],
  ["/hub/repos/acme/x?path=priv%2f..&n=8", undefined],
  ["/hub/repos/acme/x?page=1&Owner=evil", undefined],
  ["/hub/repos/acme/x?page=%2e%2e", "/repos/acme/x?page=.."],
])("%s: what is sent is what was decided on", async (path, target) => {
  const { statuses } = await stand.ask(path, { key: stand.mint(GRANTS) });
  expect(statuses).toEqual([target === undefined ? 400 : 200]);
  const targets = stand.upstream.requests.map((request) => request.target);
  expect(targets).toEqual(target === undefined ? [] : [target]);
});

test.each(["__proto__", "constructor", "toString", "hasOwnProperty", "%5f%5fproto%5f%5f"])(
  "a service named %s is none",
  async (name) => {
    const answers = await stand.ask(`/${name}/repos/acme/x`, { key: stand.mint(GRANTS) });
    const { allowed: all, ...rest } = came(stand, answers);
    expect({ ...rest, allowed: all - before }).toEqual(NO_ROUTE);
  },
);
