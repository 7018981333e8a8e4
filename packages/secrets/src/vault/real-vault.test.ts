import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { secret } from "../reference/secret.ts";
import { secretSourceContract } from "../testing/index.ts";

const address = process.env["BAO_ADDR"] ?? process.env["VAULT_ADDR"];
const token = process.env["BAO_TOKEN"] ?? process.env["VAULT_TOKEN"];
const mount = process.env["AGENT_KEYS_TEST_VAULT_MOUNT"] ?? "secret";
const isThere = address !== undefined && token !== undefined;

/** Writes, or deletes, as the vendor's own command does. */
async function write(path: string, value: string | undefined): Promise<void> {
  const kind = value === undefined ? "metadata" : "data";
  const response = await fetch(`${address}/v1/${mount}/${kind}/${path}`, {
    method: value === undefined ? "DELETE" : "POST",
    headers: { "x-vault-token": token ?? "" },
    ...(value === undefined ? {} : { body: JSON.stringify({ data: { token: value } }) }),
  });
  if (!response.ok) throw new Error(`${kind}: ${response.status}`);
}

describe.runIf(isThere)("a real server, as the environment names it", () => {
  secretSourceContract({
    test,
    open() {
      const path = `agent-keys-test/${randomUUID()}`;
      const source = secret(`vault:${mount}/${path}#token`);
      return { source, set: (value) => write(path, value) };
    },
  });

  test("versions, and a path that is not there", async () => {
    const path = `agent-keys-test/${randomUUID()}`;
    await write(path, "one");
    await write(path, "two");
    expect((await secret(`vault:${mount}/${path}#token?version=1`).read()).value).toBe("one");
    await expect(secret(`vault:${mount}/${path}-not#token`).read()).rejects.toMatchObject({
      code: "secret_unavailable",
    });
    await write(path, undefined);
  });
});
