import type { Policy } from "@agent-keys/core";
import type { GithubParameter, GithubScope, github, GrantFor, openai, slack } from "./index.ts";

type Grants = readonly GrantFor<typeof github | typeof slack | typeof openai>[];

const good: Grants = [
  { scope: "github:issues.write", where: { owner: "acme", labels: { in: ["bug"] } }, uses: 1 },
  { scope: "github:*", where: { owner: "acme" } },
  { scope: "slack:chat.write", where: { channel: "C123" }, expiresIn: "30s" },
  { scope: "openai:chat.completions.*", where: { model: { prefix: "gpt-" } } },
  { scope: "openai:responses.create", where: { max_output_tokens: { max: 500 } }, only: true },
];
const policy: Policy = { bot: { allow: good } };

const bad: Grants = [
  // @ts-expect-error -- a misspelt scope
  { scope: "github:issue.write" },
  // @ts-expect-error -- a scope that only another service has
  { scope: "slack:issues.write" },
  // @ts-expect-error -- a pattern that matches nothing
  { scope: "github:issue.*" },
  // @ts-expect-error -- a misspelt parameter
  { scope: "github:issues.write", where: { onwer: "acme" } },
  // @ts-expect-error -- a parameter that only another service has
  { scope: "slack:chat.write", where: { pull_number: 1 } },
];

const scope: GithubScope = "github:repos.read";
const parameter: GithubParameter = "owner";
// @ts-expect-error -- a misspelt scope
const misspeltScope: GithubScope = "github:repo.read";
// @ts-expect-error -- a misspelt parameter
const misspeltParameter: GithubParameter = "ownr";
export const checked: readonly unknown[] = [
  policy,
  bad,
  scope,
  parameter,
  misspeltScope,
  misspeltParameter,
];
