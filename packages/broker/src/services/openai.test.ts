import { expect, test } from "vitest";
import { openai } from "./openai.ts";
import { openaiParameters } from "./openai/names.ts";

/*
 * OpenAI's description (openapi 2.3.0) names no permission for a route, so what is compared is what the
 * route does, by the operation's own name there: list, retrieve, create, cancel, delete.
 */
const READS = /\.read$/;

test.each(openai.routes)("$method $pattern is in a scope that says what it does", (route) => {
  const reads = route.scopes.map((scope) => READS.test(scope));
  expect(new Set(reads)).toEqual(new Set([route.method === "GET"]));
});

test("what costs is in a scope of its own, and names its model", () => {
  const running = openai.routes.filter(
    ({ scopes, bodyFormats }) =>
      scopes.some((scope) => scope.endsWith(".create")) && bodyFormats.includes("json"),
  );
  expect(running.map(({ pattern }) => pattern)).toEqual(
    expect.arrayContaining([
      "/responses",
      "/chat/completions",
      "/embeddings",
      "/images/generations",
    ]),
  );
  for (const { parameters } of running) {
    expect(parameters.get("model")).toEqual({
      name: "model",
      location: "body",
      type: "string",
    });
  }
});

test.each([
  ["/responses", "max_output_tokens", "int"],
  ["/responses", "stream", "boolean"],
  ["/responses", "tools", "json"],
  ["/chat/completions", "max_tokens", "int"],
  ["/chat/completions", "max_completion_tokens", "int"],
  ["/chat/completions", "n", "int"],
  ["/chat/completions", "messages", "json"],
  ["/images/generations", "n", "int"],
  ["/files", "purpose", undefined],
])("POST %s: %s is a %s of the body", (pattern, name, type) => {
  const route = openai.routes.find((one) => one.method === "POST" && one.pattern === pattern);
  expect(route?.parameters.get(name)?.type).toBe(type);
});

test("who pays is not the caller's to say", () => {
  expect([...openai.forwardHeaders]).not.toContain("openai-organization");
  expect([...openai.forwardHeaders]).not.toContain("openai-project");
});

test("the exported names are those that the routes declare", () => {
  expect(openai.parameters.toSorted()).toEqual(openaiParameters.toSorted());
});
