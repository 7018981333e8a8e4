import { secretCache } from "@agent-keys/secrets";
import { expect, test } from "vitest";
import { basic, bearer, type Credential } from "../service/credential.ts";
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
