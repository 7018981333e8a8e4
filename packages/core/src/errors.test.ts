import { describe, expect, test } from "vitest";
import { AgentKeyError, agentKeyErrorCodes } from "./errors.ts";

test("the codes are a closed set that nobody can add to", () => {
  expect(new Set(agentKeyErrorCodes).size).toBe(agentKeyErrorCodes.length);
  expect(Object.isFrozen(agentKeyErrorCodes)).toBe(true);
  const design =
    "scope_invalid policy_denied constraint_failed constraint_unbound token_invalid key_expired " +
    "key_closed key_revoked key_used_up uses_unenforceable route_unknown no_key audit_unavailable " +
    "store_unavailable secret_unavailable approval_required";
  expect(agentKeyErrorCodes).toEqual(expect.arrayContaining(design.split(" ")));
});

describe.each(agentKeyErrorCodes)("%s", (code) => {
  test("has one constant sentence, whatever the developer is told", () => {
    const { message } = new AgentKeyError(code);
    expect(message).toMatch(/^[A-Z][^.]+\.$/);
    expect(new AgentKeyError(code, { detail: "canary" }).message).toBe(message);
    expect(new AgentKeyError(code, { cause: new Error("canary") }).message).toBe(message);
  });

  test("is retryable only when something is out of reach, or has too much to do", () => {
    const retryable = code.endsWith("_unavailable") || code.endsWith("_exceeded");
    expect(new AgentKeyError(code).retryable).toBe(retryable);
  });
});

describe("an error", () => {
  test("is an Error that says what it is", () => {
    const error = new AgentKeyError("policy_denied", { scopes: ["a:b"] });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: "AgentKeyError", code: "policy_denied", retryable: false });
    expect(String(error)).toBe("AgentKeyError: Policy does not allow this call (a:b).");
    expect("cause" in error).toBe(false);
  });

  test("names each scope once, and at most five", () => {
    const scopes = ["a:1", "a:1", "a:2", "a:3", "a:4", "a:5"];
    const text = "Policy does not allow this call";
    expect(new AgentKeyError("policy_denied", { scopes }).message).toBe(
      `${text} (a:1, a:2, a:3, a:4, a:5).`,
    );
    const seven = [...scopes, "a:6", "a:7"];
    expect(new AgentKeyError("policy_denied", { scopes: seven }).message).toBe(
      `${text} (a:1, a:2, a:3, a:4, a:5 and 2 more).`,
    );
    expect(new AgentKeyError("policy_denied", { scopes: [] }).message).toBe(`${text}.`);
  });

  test("keeps a cause as it is, and before a detail", () => {
    const cause = new Error("cause");
    expect(new AgentKeyError("no_key", { cause }).cause).toBe(cause);
    expect(new AgentKeyError("no_key", { detail: "detail" }).cause).toMatchObject({
      message: "detail",
    });
    expect(new AgentKeyError("no_key", { detail: "detail", cause }).cause).toBe(cause);
  });
});
