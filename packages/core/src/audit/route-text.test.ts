import { expect, test } from "vitest";
import { truncateRoute } from "./route-text.ts";

const ROUTE = "github GET /repos/:owner/:repo/issues/:number/comments";

test.each([
  [54, ROUTE],
  [53, "github GET …/:owner/:repo/issues/:number/comments"],
  [40, "github GET …/issues/:number/comments"],
  [21, "github GET …/comments"],
  // Not even the last segment fits.
  [20, "github GET /repos/:…"],
  [3, "gi…"],
  [0, ""],
])("a route in %i columns", (columns, shown) => {
  expect(truncateRoute(ROUTE, columns)).toBe(shown);
});

test.each(["github:issues.read github:repos.read", "agent x by y: reads /etc/passwd too much"])(
  "what is no route is cut at its end: %s",
  (text) => {
    expect(truncateRoute(text, 20)).toBe(`${text.slice(0, 19)}…`);
  },
);
