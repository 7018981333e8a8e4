import { expect, test } from "vitest";
import { testKeys } from "./testing/index.ts";
import { verifyKey } from "./token/verify-key.ts";

const keys = testKeys({ issuer: "urn:issuer", audience: "urn:api" });
const key = keys.mint("a:b");
const options = { jwks: keys.jwks(), issuer: "urn:issuer", audience: "urn:api" };

/** As somebody calls it who has no type checker. */
const loose = (value: unknown): never => value as never;

const misspelt: readonly (readonly [string, () => unknown, string])[] = [
  [
    "verifyKey",
    () => verifyKey(key.token, loose({ ...options, reqest: { scope: "a:b" } })),
    "verifyKey: reqest: not an option",
  ],
  [
    "a verifyKey that lets any scope in",
    () => verifyKey(key.token, loose(options)),
    "verifyKey: request is missing: without it any scope is let in",
  ],
  ["verifyKey without options", () => verifyKey(key.token, loose(undefined)), "verifyKey: options"],
  [
    "a request of verifyKey",
    () => verifyKey(key.token, { ...options, request: loose({ scope: "a:b", vals: {} }) }),
    "verifyKey: request.vals: not an option",
  ],
  [
    "a request that is a text",
    () => verifyKey(key.token, { ...options, request: loose("a:b") }),
    "verifyKey: request: must be { scope, values }",
  ],
  [
    "consume of verifyKey",
    () => verifyKey(key.token, { ...options, request: { scope: "a:b" }, consume: loose("yes") }),
    "verifyKey: consume: must be true or false",
  ],
  ["verify", () => keys.verify(key.token, loose({ reqest: {} })), "verify: reqest: not an option"],
  [
    "a request of verify",
    () => keys.verify(key.token, { request: loose({ scope: 5 }) }),
    "verify: request.scope: must be a string",
  ],
  [
    "values of a request",
    () => keys.verify(key.token, { request: { scope: "a:b", values: loose("x") } }),
    "verify: request.values: must be an object",
  ],
  ["mint", () => keys.mint("a:b", loose({ expires: 60 })), "mint: expires: not an option"],
  [
    "withAgentKey",
    () => keys.withAgentKey("a:b", () => 1, loose({ expires: 60 })),
    "withAgentKey: expires: not an option",
  ],
  ["for", () => keys.for(loose({ usr: "ada" })), "for: usr: not an option"],
  ["for without a context", () => keys.for(loose(undefined)), "for: options: must be an object"],
  ["run", () => keys.run(loose({ usr: "ada" }), () => 1), "run: usr: not an option"],
  ["run without a context", () => keys.run(loose(undefined), () => 1), "run: options"],
  ["logs", () => keys.logs(loose({ tol: "x" })), "logs: tol: not an option"],
  [
    "revoke",
    () => keys.revoke({ agent: "nobody" }, loose({ reson: "x" })),
    "revoke: reson: not an option",
  ],
  [
    "restore",
    () => keys.restore({ agent: "nobody" }, loose({ reson: "x" })),
    "restore: reson: not an option",
  ],
];

test.each(misspelt)(
  "%s: a misspelt option is a TypeError, not ignored",
  async (_, call, message) => {
    const events = keys.events.length;
    const error = await Promise.resolve()
      .then(call)
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    expect(error).toBeInstanceOf(TypeError);
    expect((error as TypeError).message).toContain(message);
    expect(keys.events.length).toBe(events);
  },
);
