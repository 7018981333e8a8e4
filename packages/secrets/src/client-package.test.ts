import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { asked, clientPackage, once } from "./client-package.ts";
import { isOutage, unavailable } from "./unavailable.ts";

/** What is made of a client's error. */
async function madeOf(thrown: unknown, known: Readonly<Record<string, string>> = {}) {
  const error: unknown = await asked("aws:a", undefined, known, async () => {
    throw thrown;
  }).catch((given: unknown) => given);
  expect(inspect(error, { depth: null, showHidden: true })).not.toContain("canary");
  return { error, why: (error as { cause: Error }).cause.message };
}

const named = (name: string, more: object = {}): Error =>
  Object.assign(new Error("canary"), { name, request: { headers: "canary" }, ...more });

describe("of a client's error only the kind is told", () => {
  test.each<[unknown, string, boolean]>([
    [named("Missing"), "aws:a: it is not there", false],
    [named("OtherError"), "aws:a: cannot be read (OtherError)", false],
    [named("a canary in the name"), "aws:a: cannot be read (an error)", false],
    [named("ThrottlingException"), "aws:a: is out of reach (ThrottlingException)", true],
    [named("E", { code: "ECONNREFUSED" }), "aws:a: is out of reach (ECONNREFUSED)", true],
    [named("Aws", { $metadata: { httpStatusCode: 503 } }), "aws:a: is out of reach (Aws)", true],
    [named("Rest", { statusCode: 429 }), "aws:a: is out of reach (Rest)", true],
    [named("Gaxios", { status: 500 }), "aws:a: is out of reach (Gaxios)", true],
    [named("Gaxios", { status: 400 }), "aws:a: cannot be read (Gaxios)", false],
    ["canary", "aws:a: cannot be read (an error)", false],
    [undefined, "aws:a: cannot be read (an error)", false],
    [unavailable("aws:a", "of our own"), "aws:a: of our own", false],
  ])("%o", async (thrown, expected, outage) => {
    const { error, why } = await madeOf(thrown, { Missing: "it is not there" });
    expect(why).toBe(expected);
    expect(isOutage(error)).toBe(outage);
  });

  test("one that never answers is out of reach, and is told to end", async () => {
    let ended: AbortSignal | undefined;
    const reading = asked(
      "aws:a",
      undefined,
      {},
      async (signal) => {
        ended = signal;
        return new Promise<never>(() => {});
      },
      20,
    );
    await expect(reading).rejects.toMatchObject({
      code: "secret_unavailable",
      cause: { message: "aws:a: gave no answer within 0.02 s" },
    });
    expect(ended?.aborted).toBe(true);
    expect(isOutage(await reading.catch((error: unknown) => error))).toBe(true);
  });

  test("who gives up gets the reason, and the client is told", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    let ended: AbortSignal | undefined;
    const reading = asked("aws:a", controller.signal, {}, async (signal) => {
      ended = signal;
      return new Promise<never>(() => {});
    });
    controller.abort(reason);
    await expect(reading).rejects.toBe(reason);
    expect(ended?.aborted).toBe(true);
  });
});

test("what is made once is made again after it failed", async () => {
  let made = 0;
  const open = once(async () => {
    made += 1;
    if (made === 1) throw new Error("not yet");
    return made;
  });
  await expect(Promise.all([open(), open()])).rejects.toThrow("not yet");
  expect(await Promise.all([open(), open(), open()])).toEqual([2, 2, 2]);
  expect(made).toBe(2);
});

test("a client that is not installed is named", async () => {
  const loading = clientPackage("aws:a", "@aws-sdk/client-ssm", async () => {
    throw new Error("Cannot find package in /home/canary");
  });
  await expect(loading).rejects.toMatchObject({
    code: "secret_unavailable",
    cause: {
      message: "aws:a: @aws-sdk/client-ssm cannot be loaded; npm install @aws-sdk/client-ssm",
    },
  });
});
