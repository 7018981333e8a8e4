import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { inspect } from "node:util";
import { AgentKeyError, type SecretSource } from "@agent-keys/core";

/** A source, and the place that it reads. */
export interface SourceUnderTest {
  readonly source: SecretSource;
  /** Puts a credential there, another in its place, or with `undefined` takes it away. */
  readonly set: (value: string | undefined) => void | Promise<void>;
}

/** What the contract needs of a test runner and of the source under test. */
export interface SecretSourceContract {
  /** Registers a test: `test` of Vitest, Jest or `node:test`. */
  readonly test: (name: string, fn: () => Promise<void>) => void;
  /** Opens a source on a place of its own, where nothing is yet. */
  readonly open: () => SourceUnderTest | Promise<SourceUnderTest>;
}

const CANARY = "canary-Zq7vK2mX9pLw4sRt";
const OTHER = "other-Hn3bY8cD1fGj6kUe";

/** The tests that every source of secrets passes, wherever it reads. */
export function secretSourceContract({ test, open }: SecretSourceContract): void {
  test("gives what is there, to the letter", async () => {
    const { source, set } = await open();
    for (const value of [CANARY, 'a b"c\\d%20$e=&+/', "Grüße, 世界 🗝", "x".repeat(4_096)]) {
      await set(value);
      equal((await source.read()).value, value);
    }
  });

  test("gives what is there now, not what was", async () => {
    const { source, set } = await open();
    await set(CANARY);
    equal((await source.read()).value, CANARY);
    await set(OTHER);
    equal((await source.read()).value, OTHER);
    await set(undefined);
    await rejects(source.read(), isUnavailable);
  });

  test("reads nothing before it is asked to", async () => {
    const { source, set } = await open();
    await rejects(source.read(), isUnavailable);
    await set(CANARY);
    equal((await source.read()).value, CANARY);
  });

  test("what is missing or empty is unavailable, which may pass", async () => {
    const { source, set } = await open();
    for (const value of [undefined, "", "  "]) {
      await set(value);
      await rejects(source.read(), isUnavailable);
    }
  });

  test("an expiry is a date, where there is one", async () => {
    const { source, set } = await open();
    await set(CANARY);
    const { expiresAtMs } = await source.read();
    ok(expiresAtMs === undefined || expiresAtMs > Date.now());
  });

  test("many may ask at once", async () => {
    const { source, set } = await open();
    await set(CANARY);
    const all = await Promise.all(Array.from({ length: 50 }, () => source.read()));
    deepEqual([...new Set(all.map(({ value }) => value))], [CANARY]);
  });

  test("an aborted read gives nothing, but the signal's reason", async () => {
    const { source, set } = await open();
    await set(CANARY);
    const reason = new Error("enough");
    await rejects(source.read({ signal: AbortSignal.abort(reason) }), (error) => error === reason);
  });

  test("neither source nor value shows the value", async () => {
    const { source, set } = await open();
    await set(CANARY);
    const secret = await source.read();
    ok(typeof source.name === "string" && source.name !== "");
    for (const shown of [...showings(source), ...showings(secret), ...showings({ ...secret })]) {
      ok(!shown.includes(CANARY), "the value is shown");
    }
  });

  test("an error does not hold a value that was there before", async () => {
    const { source, set } = await open();
    await set(CANARY);
    await source.read();
    await set(undefined);
    await rejects(source.read(), (error) => {
      isUnavailable(error);
      for (const shown of showings(error)) ok(!shown.includes(CANARY), "the value is shown");
      return true;
    });
  });
}

function isUnavailable(error: unknown): true {
  ok(error instanceof AgentKeyError);
  equal(error.code, "secret_unavailable");
  equal(error.retryable, true);
  return true;
}

/** The ways in which an object ends up in a log. */
function showings(value: unknown): readonly string[] {
  return [
    inspect(value, { depth: null, showHidden: true }),
    JSON.stringify(value) ?? "",
    String(value),
  ];
}
