import { authorize, type AskedRequest } from "@agent-keys/broker";
import { github } from "@agent-keys/broker/services";
import type { Constraint } from "@agent-keys/core";
import { Octokit } from "@octokit/rest";
import { describe, expect, test } from "vitest";

type Route = (typeof github.routes)[number];

const octokit = new Octokit();

/** A value that has to be encoded, as far as its place allows: only some hold slashes. */
function valueFor({ name, type }: { name: string; type: string }): string | number | boolean {
  if (type === "int" || type === "number") return 7;
  if (type === "boolean") return true;
  // In a search, Octokit takes a plus for the space that it stands for there.
  if (name === "q") return "repo:acme/site é";
  return type === "path" ? `${name} é/100%+x` : `${name} é+x`;
}

/** The request that Octokit makes of a route, and the values that it was given. */
function asked({ method, pattern, parameters }: Route) {
  const given = [...parameters.values()].filter(({ location }) => location !== "body");
  const values = Object.fromEntries(given.map((one) => [one.name, valueFor(one)]));
  const template = pattern.replace(/:(\w+)(?:\*|\{\w+\})?/g, "{$1}");
  const { url } = octokit.request.endpoint(`${method} ${template}`, values);
  const { pathname, search } = new URL(url);
  const request: AskedRequest = {
    method,
    path: pathname,
    query: search.slice(1),
    headers: [],
    body: "none",
  };
  return { request, values };
}

describe.each(github.routes)("$method $pattern, as Octokit asks for it,", (route) => {
  const { request, values } = asked(route);
  const [scope] = route.scopes;
  const decide = (where: Readonly<Record<string, Constraint>>) =>
    authorize(request, { grants: [{ scope, where, only: true }] }, github);

  test("is that route, with the values that Octokit was given", () => {
    const decision = decide(values);
    expect(decision).toMatchObject({ outcome: "allowed", route: { pattern: route.pattern } });
  });

  test("is refused when any of them is another", () => {
    const allowed = Object.keys(values).filter((name) => {
      const decision = decide({ ...values, [name]: "another" });
      return decision.outcome !== "refused" || decision.code !== "constraint_failed";
    });
    expect(allowed).toEqual([]);
  });
});
