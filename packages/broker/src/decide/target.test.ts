import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isRefused } from "./refused.ts";
import { readTarget, writePath } from "./target.ts";

const segmentsOf = (path: string): readonly string[] | "refused" => {
  const target = readTarget(path);
  return isRefused(target) ? "refused" : target.segments;
};

test.each([
  ["/", []],
  ["/repos/acme/site", ["repos", "acme", "site"]],
  ["/rep%6Fs/acme", ["repos", "acme"]],
  ["/contents/docs%2Fa.md", ["contents", "docs/a.md"]],
  ["/a%20b/%C3%A9", ["a b", "é"]],
  ["/100%25.md", ["100%.md"]],
  ["/a+b*c", ["a+b*c"]],
  ["/...", ["..."]],
  ["/repos/acme/", ["repos", "acme"]],
])("%s is read as %j", (path, segments) => {
  expect(segmentsOf(path)).toEqual(segments);
});

describe("what two servers might read differently is refused:", () => {
  const paths = [
    ["", "no slash"],
    ["repos", "no slash"],
    ["repos/x", "no slash at the start"],
    ["//repos", "an empty segment"],
    ["/repos//x", "an empty segment"],
    ["/repos//", "an empty last segment"],
    ["//", "an empty segment"],
    ["/repos/../admin", "a dot segment"],
    ["/repos/./x", "a dot segment"],
    ["/repos/%2e%2e/admin", "an encoded dot segment"],
    ["/repos/.%2E/admin", "a half encoded one"],
    ["/repos/a%2f..%2fb", "a dot segment between encoded slashes"],
    ["/repos/a%2F", "an encoded slash at the end"],
    ["/repos/%2Fx", "an encoded slash at the start"],
    ["/repos/%252e%252e/admin", "two layers of encoding"],
    ["/repos/a%252fb", "two layers of encoding"],
    ["/repos/a%5cb", "an encoded backslash"],
    ["/repos/a\\b", "a backslash"],
    ["/repos;x=1/acme", "a matrix parameter"],
    ["/repos%3bx/acme", "an encoded one"],
    ["/repos/%00", "a NUL"],
    ["/repos/a%0d%0aHost:x", "a line break"],
    ["/repos/%zz", "no encoding"],
    ["/repos/%c0%ae", "overlong UTF-8"],
    ["/repos/%ff", "no UTF-8"],
    ["/repos/é", "a raw character"],
    ["/repos/a b", "a raw space"],
    ["/repos/a#b", "a fragment"],
    ["/repos/a?b", "a query"],
    ["/repos/%E2%80%AE%7f", "DEL"],
  ] as const;
  test.each(paths)("%j (%s)", (path) => {
    expect(readTarget(path)).toMatchObject({ code: "request_invalid", check: "path" });
  });
});

const PIECES = [
  "/",
  "..",
  ".",
  "%2e",
  "%2F",
  "%5c",
  "%25",
  ";",
  "a",
  "repos",
  "%00",
  "+",
  "%C3%A9",
];
const paths = fc
  .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 3 })), { maxLength: 12 })
  .map((parts) => `/${parts.join("")}`);

test("a path that is sent is the one that was decided on, also for who normalises it again", () => {
  fc.assert(
    fc.property(paths, (path) => {
      const target = readTarget(path);
      if (isRefused(target)) return;
      const sent = writePath(target.segments);
      expect(segmentsOf(sent)).toEqual(target.segments);
      expect(new URL(sent, "http://upstream.example").pathname).toBe(sent);
      expect(sent).toMatch(/^\/[A-Za-z0-9\-._~%/]*$/);
      // A server that decodes once more, or takes an encoded slash for one, climbs nowhere.
      expect(decodeURIComponent(sent)).not.toMatch(/(?:^|\/)\.{1,2}(?:\/|$)/);
    }),
    { numRuns: 20_000 },
  );
});
