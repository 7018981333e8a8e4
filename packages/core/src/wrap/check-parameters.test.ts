import { describe, expect, test } from "vitest";
import type { Grant } from "../grant.ts";
import type { Policy } from "../policy.ts";
import { checkParameters, type StatedTool } from "./check-parameters.ts";

interface Case {
  readonly tools: readonly StatedTool[];
  readonly args?: Record<string, string>;
  readonly allow?: readonly Grant[];
  readonly unbound?: "audience";
  readonly agent?: string;
}

function check({ tools, args = {}, allow, unbound, agent = "bot" }: Case): void {
  const policy: Policy | "allow-all" = allow === undefined ? "allow-all" : { bot: { allow } };
  checkParameters(tools, { issuer: { policy, unbound: unbound ?? "refuse" }, agent, args });
}

const tool = (
  parameters: readonly string[] | undefined,
  grant?: string | Grant,
  name = "tool",
): StatedTool => ({
  name,
  option: `scopes.${name}`,
  parameters,
  grants: grant === undefined ? undefined : [typeof grant === "string" ? { scope: grant } : grant],
});

const acme: Grant = { scope: "a:*", where: { owner: "acme" } };

describe("refused when tools are wrapped", () => {
  test.each<[string, Case, string]>([
    [
      "a mapping to an argument that no tool has",
      { tools: [tool(["repoOwner"])], args: { owner: "repoOnwer" } },
      'args.owner: no wrapped tool has an argument "repoOnwer"',
    ],
    [
      "a mapping to an argument called as the constraint",
      { tools: [tool(["owner"])], args: { owner: "repoOwner" } },
      'args.owner: no wrapped tool has an argument "repoOwner"',
    ],
    [
      "a name of its own that the tool lacks",
      { tools: [tool(["owner"], { scope: "a:b", where: { onwer: "x" } })] },
      'scopes.tool: where names "onwer", which the tool has no argument for; a scope function states what the tool itself fixes',
    ],
    [
      "an optional name of its own that the tool lacks",
      { tools: [tool([], { scope: "a:b", where: { owner: { any: true, optional: true } } })] },
      'scopes.tool: where names "owner", which the tool has no argument for; a scope function states what the tool itself fixes',
    ],
    [
      "a name of its own that is mapped away",
      {
        tools: [tool(["owner"], { scope: "a:b", where: { owner: "x" } })],
        args: { team: "owner" },
      },
      'scopes.tool: where names "owner", which the tool has no argument for; a scope function states what the tool itself fixes',
    ],
    [
      "a rule's name that the tool lacks",
      { tools: [tool(["repo"], "a:b")], allow: [acme] },
      'policy: the rule for a:* constrains "owner", which no tool it applies to has an argument for (tool); correct the name, or map it with args',
    ],
    [
      "a rule's name that is mapped away",
      { tools: [tool(["owner"], "a:b")], args: { team: "owner" }, allow: [acme] },
      'policy: the rule for a:* constrains "owner", which no tool it applies to has an argument for (tool); correct the name, or map it with args',
    ],
    [
      "a rule's name that none of its tools has",
      {
        tools: [
          tool(["x"], "a:b", "one"),
          tool(["y"], "a:c", "two"),
          tool(["owner"], "z:z", "other"),
        ],
        allow: [acme, { scope: "z:*" }],
      },
      'policy: the rule for a:* constrains "owner", which no tool it applies to has an argument for (one, two); correct the name, or map it with args',
    ],
    [
      "the second rule's name",
      { tools: [tool(["owner"], "a:b")], allow: [acme, { scope: "a:b", where: { onwer: "x" } }] },
      'policy: the rule for a:b constrains "onwer", which no tool it applies to has an argument for (tool); correct the name, or map it with args',
    ],
    [
      "an optional name that none of several tools has",
      {
        tools: [tool(["x"], "a:b", "one"), tool(["y"], "a:c", "two")],
        allow: [{ scope: "a:*", where: { onwer: { in: ["acme"], optional: true } } }],
      },
      'policy: the rule for a:* constrains "onwer", which no tool it applies to has an argument for (one, two); correct the name, or map it with args',
    ],
    [
      "an optional name of a rule for the tool's very scope",
      {
        tools: [tool(["x"], "a:b")],
        allow: [{ scope: "a:b", where: { onwer: { in: ["acme"], optional: true } } }],
      },
      'policy: the rule for a:b constrains "onwer", which no tool it applies to has an argument for (tool); correct the name, or map it with args',
    ],
    [
      "a rule's name that only a prototype has",
      { tools: [tool(["owner"], "a:b")], allow: [{ scope: "a:*", where: { constructor: "x" } }] },
      'policy: the rule for a:* constrains "constructor", which no tool it applies to has an argument for (tool); correct the name, or map it with args',
    ],
  ])("%s", (_, one, message) => {
    expect(() => check(one)).toThrow(new TypeError(message));
  });
});

describe("accepted when tools are wrapped", () => {
  test.each<[string, Case]>([
    ["no tools, as of a server that has none", { tools: [], args: { owner: "repoOwner" } }],
    [
      "a mapping that one of the tools has",
      { tools: [tool(["x"]), tool(["repoOwner"])], args: { owner: "repoOwner" } },
    ],
    [
      "a mapping that a tool of unknown parameters may have",
      { tools: [tool(["x"]), tool(undefined)], args: { owner: "repoOwner" } },
    ],
    ["a name of its own", { tools: [tool(["owner"], { scope: "a:b", where: { owner: "x" } })] }],
    [
      "a name of its own by the mapping",
      {
        tools: [tool(["repoOwner"], { scope: "a:b", where: { owner: "x" } })],
        args: { owner: "repoOwner" },
      },
    ],
    [
      "any name where parameters are unknown",
      { tools: [tool(undefined, { scope: "a:b", where: { owner: "x" } })], allow: [acme] },
    ],
    ["a rule's name", { tools: [tool(["owner"], "a:b")], allow: [acme] }],
    [
      "a rule's name by the mapping",
      { tools: [tool(["repoOwner"], "a:b")], args: { owner: "repoOwner" }, allow: [acme] },
    ],
    [
      "a rule's name that one of its tools has",
      { tools: [tool(["owner"], "a:b"), tool(["x"], "a:c")], allow: [acme] },
    ],
    [
      "a rule's name that one of unknown parameters may have",
      { tools: [tool(undefined, "a:b"), tool(["x"], "a:c")], allow: [acme] },
    ],
    [
      "an optional name of a rule for many scopes, by the one tool that is wrapped",
      {
        tools: [tool(["x"], "a:b")],
        allow: [{ scope: "a:*", where: { owner: { in: ["acme"], optional: true } } }],
      },
    ],
    [
      "a rule that concerns no tool",
      { tools: [tool(["x"], "z:z")], allow: [acme, { scope: "z:z" }] },
    ],
    ["a rule of another agent", { tools: [tool(["x"], "a:b")], allow: [acme], agent: "other" }],
    ["a scope that is decided at the call", { tools: [tool(["x"])], allow: [acme] }],
    [
      "what the audience enforces",
      {
        tools: [tool(["x"], { scope: "a:b", where: { owner: "x" } })],
        allow: [acme],
        unbound: "audience",
      },
    ],
  ])("%s", (_, one) => {
    expect(() => check(one)).not.toThrow();
  });

  test("but for a mapping, an audience changes nothing", () => {
    const one: Case = { tools: [tool(["x"])], args: { owner: "y" }, unbound: "audience" };
    expect(() => check(one)).toThrow(TypeError);
  });
});
