import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { secretSourceContract } from "../testing/index.ts";
import { secret } from "./secret.ts";

const directory = mkdtempSync(join(tmpdir(), "agent-keys-secret-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let count = 0;

secretSourceContract({
  test,
  open() {
    const path = join(directory, `secrets-${(count += 1)}.json`);
    const write = (json: unknown): void =>
      writeFileSync(path, JSON.stringify(json), { mode: 0o600 });
    return {
      source: secret(`file:${path}#github.token`),
      set: (value) => write({ github: { token: value } }),
    };
  },
});

test("is called by its reference, in the one way that it is written", () => {
  expect(secret("file:/run/%61#b%2Ec").name).toBe("file:/run/a#b%2Ec");
});

test("what is no reference is refused at once", () => {
  expect(() => secret("file:")).toThrow(TypeError);
  expect(() => secret("ghp_canary4Rfv")).toThrow(/^a reference must begin with env:, file:/);
});

test.each<[unknown, string]>([
  [{ github: "x" }, "has no text in that field"],
  [{ github: { token: { a: 1 } } }, "has no text in that field"],
  [{ github: { token: " " } }, "that field is empty"],
  ["canary-4Rfv", "has no text in that field"],
  [null, "has no text in that field"],
])("a file that holds %j: %s", async (json, why) => {
  const path = join(directory, `other-${(count += 1)}.json`);
  writeFileSync(path, JSON.stringify(json), { mode: 0o600 });
  const name = `file:${path}#github.token`;
  await expect(secret(name).read()).rejects.toMatchObject({
    code: "secret_unavailable",
    cause: new Error(`${name}: ${why}`),
  });
});

test("a member that every object has is no field", async () => {
  const path = join(directory, "inherited.json");
  writeFileSync(path, "{}", { mode: 0o600 });
  for (const field of ["constructor.name", "__proto__.constructor.name", "toString"]) {
    await expect(secret(`file:${path}#${field}`).read()).rejects.toMatchObject({
      code: "secret_unavailable",
    });
  }
});

test("a value in the place of a variable's name is refused and not repeated", async () => {
  process.env["AGENT_KEYS_TEST_VALUE"] = "ghp_canary4Rfv";
  try {
    const error: unknown = await secret("env:ghp_canary4Rfv")
      .read()
      .catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "secret_unavailable" });
  } finally {
    delete process.env["AGENT_KEYS_TEST_VALUE"];
  }
});
