import { describe, expect, test } from "vitest";
import { type Places, rewriteLink, rewriteLocation } from "./rewrite-links.ts";

const places: Places = {
  asked: "/api/v3/repos/a",
  base: new URL("https://git.example/api/v3"),
  broker: "http://127.0.0.1:4949/git",
  pageLinks: "as-given",
};

test.each([
  ["https://git.example/api/v3/user?x=1#y", "http://127.0.0.1:4949/git/user?x=1#y"],
  ["https://GIT.example:443/api/v3/user", "http://127.0.0.1:4949/git/user"],
  ["/api/v3/user", "http://127.0.0.1:4949/git/user"],
  ["b", "http://127.0.0.1:4949/git/repos/b"],
  ["?page=2", "http://127.0.0.1:4949/git/repos/a?page=2"],
  ["https://git.example/api/v3", "http://127.0.0.1:4949/git"],
])("%s of the service's own becomes the broker's", (value, expected) => {
  expect(rewriteLocation(value, places)).toBe(expected);
});

test.each([
  "https://other.example/api/v3/user",
  "http://git.example/api/v3/user",
  "https://git.example/api/v30/user",
  "https://git.example/login",
  "https://u:p@git.example/api/v3/user",
  "https://u@git.example/api/v3/user",
  "https://:p@git.example/api/v3/user",
  "https://git.example:444/api/v3/user",
  "http://[",
])("%s stays as it is", (value) => {
  expect(rewriteLocation(value, places)).toBe(value);
});

test("every target of a Link is rewritten, and nothing else of it", () => {
  expect(
    rewriteLink(
      '<https://git.example/api/v3/r?page=2>; rel="next", <https://cdn.example/x>; rel="last"; title="</api/v3>"',
      places,
    ),
  ).toBe(
    '<http://127.0.0.1:4949/git/r?page=2>; rel="next", <https://cdn.example/x>; rel="last"; title="<http://127.0.0.1:4949/git>"',
  );
});

describe("where a service's page links name the resource in another way", () => {
  const asked: Places = {
    ...places,
    asked: "/api/v3/repos/a/issues?page=1",
    pageLinks: "asked-path",
  };
  const base = "https://git.example/api/v3/repositories/7";

  test("a page of what was asked for is at the path that was asked", () => {
    const link = `<${base}/issues?page=2&state=open>; rel="next", <${base}/issues?page=9>; title="x"; rel=last`;
    const here = "http://127.0.0.1:4949/git/repos/a/issues";
    expect(rewriteLink(link, asked)).toBe(
      `<${here}?page=2&state=open>; rel="next", <${here}?page=9>; title="x"; rel=last`,
    );
  });

  test.each([
    [`<${base}/milestones/1>; rel="deprecation"`, "no page"],
    [`<https://other.example/repositories/7/issues?page=2>; rel="next"`, "another host"],
  ])("%s (%s) leads where it led", (link) => {
    expect(rewriteLink(link, asked)).toBe(rewriteLink(link, places));
  });
});

test.each([
  ["white space", (count: number) => `<https://git.example/api/v3/r>;${" ".repeat(count)}rel="x"`],
  ["white space before the name", (count: number) => `</r>; rel${" ".repeat(count)}="next"`],
  ["white space after the name", (count: number) => `</r>; rel=${" ".repeat(count)}"next"`],
  ["openings", (count: number) => "<".repeat(count)],
  ["closings", (count: number) => `<${">".repeat(count)}`],
  ["semicolons", (count: number) => `</r>${"; rel ".repeat(count)}`],
])("much %s takes no time that grows with its square", (_what, valueOf) => {
  const from = performance.now();
  rewriteLink(valueOf(200_000), places);
  // With the square of it, it would be minutes.
  expect(performance.now() - from).toBeLessThan(2_000);
});

test.each([
  ["</api/v3/r>;REL = next", true],
  ['</api/v3/r>; title="x"; rel="prev"', true],
  ['</api/v3/r>; rel=" next"', true],
  ['</api/v3/r>; rel="  next"', true],
  ['</api/v3/r>; rel="next=1"', true],
  ['</api/v3/r>; rel="up next"', false],
  ["</api/v3/r>rel=next", false],
  ['<http://[>; rel="next"', false],
  ['</api/v3/r>; rel="nextish"', false],
  ['</api/v3/r>; xrel="next"', false],
  ['</api/v3/r>; title="rel=next"', false],
])("%s: a page is %s", (link, isPage) => {
  const asked: Places = { ...places, asked: "/api/v3/here", pageLinks: "asked-path" };
  expect(rewriteLink(link, asked).includes("/git/here")).toBe(isPage);
});

test.each(["plain", "", "<", "a, <b", "a <"])("%j has no target, and stays as it is", (value) => {
  expect(rewriteLink(value, places)).toBe(value);
});

test("a target ends at the first bracket, and what is around it stays", () => {
  expect(rewriteLink('x <b>; title=">"', places)).toBe(
    'x <http://127.0.0.1:4949/git/repos/b>; title=">"',
  );
});

test("a base may end with a slash", () => {
  const base = new URL("https://git.example/api/v3/");
  expect(rewriteLocation("/api/v3/user", { ...places, base })).toBe(
    "http://127.0.0.1:4949/git/user",
  );
});
