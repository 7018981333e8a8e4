import { secretCache } from "@agent-keys/secrets";
import { expect, test } from "vitest";
import { basic, bearer, type Credential, query, signed } from "../service/credential.ts";
import { type SecretInUse, serviceSecret } from "./secrets.ts";
import { scrubText } from "./scrub.ts";

const MINUTE_MS = 60_000;

function rotating(credential: Credential = bearer()) {
  const state = { value: "secret-number-1", nowMs: 1_000 };
  const source = { name: "test", read: async () => ({ value: state.value }) };
  const now = (): number => state.nowMs;
  return { state, secret: serviceSecret(secretCache(source, { now }), credential, now) };
}

const hides = ({ needles }: SecretInUse, text: string): boolean =>
  scrubText(text, needles) === "*".repeat(text.length);

test("what was replaced is searched for during a quarter of an hour more, and no longer", async () => {
  const { state, secret } = rotating();
  const first = await secret.read();
  state.value = "secret-number-2";
  state.nowMs += MINUTE_MS;
  const second = await secret.read();
  expect([second.value, hides(second, "secret-number-1")]).toEqual(["secret-number-2", true]);
  expect(hides(second, "secret-number-2")).toBe(true);
  expect(hides(first, "secret-number-2")).toBe(false);
  state.nowMs += 15 * MINUTE_MS - 1;
  expect(hides(await secret.read(), "secret-number-1")).toBe(true);
  state.nowMs += 1;
  expect(hides(await secret.read(), "secret-number-1")).toBe(false);
  expect(hides(await secret.read(), "secret-number-2")).toBe(true);
});

test("the same after the upstream refused it, and in the form that it was sent in", async () => {
  const { state, secret } = rotating(basic("bot"));
  const first = await secret.read();
  state.value = "secret-number-2";
  const second = await secret.refresh(first);
  const sent = Buffer.from("bot:secret-number-1").toString("base64");
  expect(second?.value).toBe("secret-number-2");
  expect(second !== undefined && hides(second, "secret-number-1")).toBe(true);
  expect(second !== undefined && hides(second, sent)).toBe(true);
});

test("of those that were replaced, the last two are kept, each once", async () => {
  const { state, secret } = rotating();
  for (const number of [1, 2, 3, 2, 4]) {
    state.value = `secret-number-${number}`;
    state.nowMs += MINUTE_MS;
    await secret.read();
  }
  const now = await secret.read();
  const hidden = [1, 2, 3, 4].filter((number) => hides(now, `secret-number-${number}`));
  expect(hidden).toEqual([2, 3, 4]);
});

test("as long as nothing changes, nothing is made anew", async () => {
  const { state, secret } = rotating();
  const first = await secret.read();
  state.nowMs += MINUTE_MS;
  expect(await secret.read()).toBe(first);
});

test("after a rotation nothing is made anew either, and each value is searched for once", async () => {
  const { state, secret } = rotating();
  await secret.read();
  state.value = "secret-number-2";
  state.nowMs += MINUTE_MS;
  const second = await secret.read();
  expect(second.hidden).toEqual(["secret-number-2", "secret-number-1"]);
  expect(await secret.read()).toBe(second);
  state.value = "secret-number-1";
  state.nowMs += MINUTE_MS;
  expect((await secret.read()).hidden).toEqual(["secret-number-1", "secret-number-2"]);
  state.nowMs += 15 * MINUTE_MS;
  expect((await secret.read()).hidden).toEqual(["secret-number-1"]);
});

test.each<[string, Credential, string, readonly string[]]>([
  ["bearer", bearer(), "Bearer secret-number-1", ["secret-number-1"]],
  [
    "basic",
    basic("bot"),
    "Basic Ym90OnNlY3JldC1udW1iZXItMQ==",
    ["secret-number-1", "Ym90OnNlY3JldC1udW1iZXItMQ=="],
  ],
  ["query", query("key"), "", ["secret-number-1"]],
  ["signed", signed(() => ({})), "", ["secret-number-1"]],
])("%s: what is sent, and what is searched for", async (_kind, credential, sent, hidden) => {
  const { header, hidden: searched } = await rotating(credential).secret.read();
  expect([header, searched]).toEqual([sent, hidden]);
});

test("where the upstream refused the only value there is, there is no other", async () => {
  const { secret } = rotating();
  expect(await secret.refresh(await secret.read())).toBeUndefined();
});

test.each(["a\r\nx: 1", "\nabc", "abc\n", "a\u0100b", "a\u007fb"])(
  "%j does not fit into a header, and is not used",
  async (value) => {
    const { state, secret } = rotating();
    state.value = value;
    await expect(secret.read()).rejects.toMatchObject({ code: "secret_unavailable" });
  },
);
