import { describe, expect, test } from "vitest";
import { secretInputs, secretVariable } from "./secret-inputs.ts";

const source = { name: "test:x", read: async () => ({ value: "canary" }) };

describe("where a service's credential is", () => {
  test("what was given comes before the environment", () => {
    const environment = {
      AGENT_KEYS_SECRET_GITHUB: "env:A",
      AGENT_KEYS_SECRET_SLACK: "vault:kv/slack#token",
      AGENT_KEYS_SECRET_OTHER: "env:B",
    };
    const inputs = secretInputs({ github: source }, ["github", "slack"], environment);
    expect([...inputs]).toEqual([
      ["github", source],
      ["slack", "vault:kv/slack#token"],
    ]);
  });

  test("the variable is the service's name in capitals", () => {
    expect(secretVariable("my-orders_db2")).toBe("AGENT_KEYS_SECRET_MY_ORDERS_DB2");
  });

  test("a variable that could be of two services is of none", () => {
    const environment = { AGENT_KEYS_SECRET_A_B: "env:X" };
    expect(() => secretInputs({}, ["a-b", "a_b"], environment)).toThrow(
      new TypeError(
        "AGENT_KEYS_SECRET_A_B: could be of several services, so it must be in secrets",
      ),
    );
    const both = secretInputs({ "a-b": "env:A", a_b: "env:B" }, ["a-b", "a_b"], environment);
    expect(both.get("a-b")).toBe("env:A");
  });

  test.each([
    [undefined, {}, /^secrets\.github: is missing: .* AGENT_KEYS_SECRET_GITHUB name one$/],
    [{ github: "ghp_canary" }, {}, /^secrets\.github: must be the source .*reference/],
    [{ github: { value: "canary" } }, {}, /^secrets\.github: must be the source/],
    [
      {},
      { AGENT_KEYS_SECRET_GITHUB: "ghp_canary" },
      /^AGENT_KEYS_SECRET_GITHUB: must be the source/,
    ],
    [{ constructor: source }, {}, /^secrets\.constructor: is for no service/],
    [[source], {}, /^secrets: must name a source/],
    ["env:A", {}, /^secrets: must name a source/],
  ])("%j, %j: %s", (given, environment, why) => {
    const attempt = () => secretInputs(given, ["github"], environment);
    expect(attempt).toThrow(TypeError);
    expect(attempt).toThrow(why);
    expect(attempt).not.toThrow(/canary/);
  });
});
