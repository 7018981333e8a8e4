import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AgentKeyError } from "./errors.ts";
import { isScope, isScopePattern, SCOPE_MAX_LENGTH, scopeCovers, scopeSegment } from "./scope.ts";

const longest = `a:${"b".repeat(SCOPE_MAX_LENGTH - 2)}`;

describe("grammar", () => {
  test.each([
    "github:read",
    "github:repos.read",
    "a:b",
    "0:1",
    "a-b_c:d-e_f.g",
    "a:b.c.d.e",
    "a-:b_",
    longest,
  ])("%s is a scope and a pattern", (text) => {
    expect([isScope(text), isScopePattern(text)]).toEqual([true, true]);
  });

  test.each(["github:*", "github:repos.*", "a:b.c.*"])("%s is only a pattern", (text) => {
    expect([isScope(text), isScopePattern(text)]).toEqual([false, true]);
  });

  test.each([
    "",
    "a",
    ":",
    "a:",
    ":a",
    "a:b:c",
    "*",
    "*:*",
    "*:read",
    "a:*.b",
    "a:b*",
    "a:*b",
    "a:**",
    "a:b.*.*",
    "a.b:c",
    "A:b",
    "a:B",
    "a:b.",
    "a:.b",
    "a:b..c",
    "a:_b",
    "a:-b",
    "a: b",
    "a:b ",
    "a:b\n",
    "a:b\u0000",
    "ä:b",
    "a:ｂ",
    "a:b c",
    "a:b,c",
    "__proto__",
    "__proto__:x",
    `${longest}b`,
    "a:".padEnd(1_000_000, "b"),
    `a:${"b.".repeat(500_000)}`,
  ])("%.40j is neither", (text) => {
    expect([isScope(text), isScopePattern(text)]).toEqual([false, false]);
  });

  test.each([undefined, null, 1, {}, ["a:b"], Object("a:b"), { toString: () => "a:b" }])(
    "%o, which is no text, is neither",
    (value) => {
      expect([isScope(value), isScopePattern(value)]).toEqual([false, false]);
    },
  );
});

describe("scopeCovers", () => {
  test.each<[string, string, boolean]>([
    ["a:b", "a:b", true],
    ["a:b", "a:b.c", false],
    ["a:b.c", "a:b", false],
    ["a:*", "a:b", true],
    ["a:*", "a:b.c", true],
    ["a:*", "ab:c", false],
    ["a:b.*", "a:b.c", true],
    ["a:b.*", "a:b.c.d", true],
    ["a:b.*", "a:b", false],
    ["a:b.*", "a:bc", false],
    ["a:b.*", "a:bc.d", false],
    ["a:*", "a:b.*", true],
    ["a:b.*", "a:*", false],
    ["a:b.*", "a:b.*", true],
    ["a:b", "a:*", false],
    ["a:*", "a:", false],
    ["a:b.*", "a:b.", false],
  ])("%s covers %s: %s", (outer, inner, expected) => {
    expect(scopeCovers(outer, inner)).toBe(expected);
  });

  const segment = fc.constantFrom("a", "b", "ab");
  const concrete = fc
    .tuple(segment, fc.array(segment, { minLength: 1, maxLength: 3 }))
    .map(([service, path]) => `${service}:${path.join(".")}`);
  const pattern = fc
    .tuple(concrete, fc.boolean())
    .map(([scope, cut]) => (cut ? scope.replace(/[a-z]+$/, "*") : scope));

  test("a pattern covers what its concrete scopes say, and patterns nest or are disjoint", () => {
    const seen = { covers: 0, not: 0 };
    fc.assert(
      fc.property(pattern, pattern, concrete, (a, b, scope) => {
        const [byA, byB] = [scopeCovers(a, scope), scopeCovers(b, scope)];
        expect(scopeCovers(a, b) && byB && !byA).toBe(false);
        expect(byA && byB && !scopeCovers(a, b) && !scopeCovers(b, a)).toBe(false);
        // By the definition: `*` stands for one or more segments.
        const meant = new RegExp(
          `^${a.replaceAll(".", "\\.").replace("*", "[a-z]+(\\.[a-z]+)*")}$`,
        );
        expect(byA).toBe(meant.test(scope));
        seen[byA ? "covers" : "not"] += 1;
      }),
      { numRuns: 3_000 },
    );
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(100);
  });
});

describe("scopeSegment", () => {
  test.each([
    ["createIssue", "create_issue"],
    ["CreateIssue", "create_issue"],
    ["HTTPServer", "http_server"],
    ["get2Things", "get2_things"],
    ["repos/get", "repos_get"],
    ["repos.get", "repos_get"],
    ["repos: get", "repos_get"],
    ["already_snake-case", "already_snake-case"],
    ["__private", "private"],
    ["../../etc", "etc"],
    ["constructor", "constructor"],
    ["__proto__", "proto__"],
    ["x", "x"],
  ])("%s → %s", (name, segment) => {
    expect(scopeSegment(name)).toBe(segment);
    expect(isScope(`tool:${segment}`)).toBe(true);
  });

  test.each([
    "",
    " ",
    "___",
    "...",
    "ä",
    "a\n",
    "a\u0000",
    "a*",
    "a,b",
    "名前",
    "a".repeat(201),
    "a".repeat(1_000_000),
  ])("%.20j is refused", (name) => {
    expect(() => scopeSegment(name)).toThrow(expect.objectContaining({ code: "scope_invalid" }));
  });

  test("what it returns is always one segment of a scope", () => {
    const name = fc.stringMatching(/^[A-Za-z0-9 _./:-]{1,60}$/);
    const seen = { segment: 0, refused: 0 };
    fc.assert(
      fc.property(name, (text) => {
        const readable = /[A-Za-z0-9]/.test(text);
        const segment = readable ? scopeSegment(text) : "refused";
        seen[readable ? "segment" : "refused"] += 1;
        expect([isScope(`tool:${segment}`), segment.includes(".")]).toEqual([true, false]);
      }),
      { numRuns: 2_000 },
    );
    expect(seen.segment).toBeGreaterThan(1_000);
    expect(() => scopeSegment("_/ .:-")).toThrow(AgentKeyError);
  });
});

test("a scope, a pattern and a tool's name may be 200 characters long, and no longer", () => {
  const longest = `a:${"b".repeat(198)}`;
  expect([isScope(longest), isScopePattern(longest)]).toEqual([true, true]);
  expect([isScope(`${longest}b`), isScopePattern(`${longest}b`)]).toEqual([false, false]);
  const pattern = `a:${"b".repeat(196)}.*`;
  expect([isScopePattern(pattern), isScopePattern(`a${pattern}`)]).toEqual([true, false]);
  expect(scopeSegment("b".repeat(200))).toBe("b".repeat(200));
  expect(() => scopeSegment("b".repeat(201))).toThrow(AgentKeyError);
});
