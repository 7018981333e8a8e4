import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { sigV4 } from "./sigv4.ts";

const SECRET = JSON.stringify({ accessKeyId: "AKIAEXAMPLE", secretAccessKey: "not/a+secret" });

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: 1_369_353_600_000 }));
afterEach(() => void vi.useRealTimers());

async function signatureOf(path: string, secret = SECRET): Promise<string | undefined> {
  const credential = sigV4({ service: "s3", region: "us-east-1" });
  if (credential.kind !== "signed") throw new Error("not signed");
  const url = new URL(path, "https://s3.example");
  const asked = { method: "GET", url, headers: {}, body: undefined };
  return (await credential.sign(asked, secret))["authorization"];
}

test("a path is signed as AWS reads it, however it is encoded", async () => {
  const strict = await signatureOf("/reports/a%21%27%28b%29%2A~%40%3D");
  expect(strict).toContain("Credential=AKIAEXAMPLE/20130524/us-east-1/s3/aws4_request");
  expect(await signatureOf("/reports/a!'(b)*%7e@=")).toBe(strict);
  expect(await signatureOf("/reports/a!'(b)*%7e@")).not.toBe(strict);
});

test.each(["", "{", "null", "{}", '{"accessKeyId":"not/a+secret"}', '"not/a+secret"'])(
  "a secret that is none is refused without a word of it: %s",
  async (secret) => {
    const failed = await signatureOf("/reports/a", secret).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(TypeError);
    expect(String(failed)).not.toContain("not/a+secret");
  },
);
