import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { type OwnCertificate, ownCertificate } from "../../test/own-certificate.ts";
import { vaultServer, type VaultServerUnderTest } from "../../test/vault-server.ts";
import { secret } from "../reference/secret.ts";
import { secretValue } from "../secret-value.ts";
import { vault, type VaultServer } from "./index.ts";

let folder: string;
let server: VaultServerUnderTest;
let authority: OwnCertificate;
let other: OwnCertificate;
const token = `hvs.canary-${randomUUID()}`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "agent-keys-vault-tls-"));
  authority = ownCertificate(folder, ["localhost"]);
  other = ownCertificate(folder, ["other.example"]);
  server = await vaultServer(authority);
  const known = { name: "t", policies: ["reader"], ttlSeconds: 0, namespace: "" };
  server.tokens.set(token, { ...known, expiresAtMs: Infinity });
  server.secrets.set("kv/github", [{ token: "canary-tls" }]);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});
afterEach(() => {
  vi.unstubAllEnvs();
  server.asked.length = 0;
});

const reading = (ca: string | undefined): ReturnType<typeof vault> => {
  const proof = { name: "test:token", read: async () => secretValue("test:token", token) };
  const at: VaultServer = { address: server.url, auth: { method: "token", token: proof }, ca };
  return vault({ ...at, path: "kv/github", field: "token" });
};

test("a server with a certificate of one's own authority is believed", async () => {
  expect((await reading(authority.cert).read()).value).toBe("canary-tls");
});

test("and by the file that VAULT_CACERT names", async () => {
  vi.stubEnv("VAULT_ADDR", server.url);
  vi.stubEnv("VAULT_TOKEN", token);
  vi.stubEnv("VAULT_CACERT", authority.file);
  expect((await secret("vault:kv/github#token").read()).value).toBe("canary-tls");
});

test.each([
  ["no authority", () => undefined],
  ["another authority", () => other.cert],
])("with %s it is not, and is sent nothing", async (_, ca) => {
  await expect(reading(ca()).read()).rejects.toMatchObject({
    code: "secret_unavailable",
    cause: { message: expect.stringMatching(/is out of reach \(\w+\)$/) as unknown },
  });
  expect(server.asked).toHaveLength(0);
});

test("VAULT_SKIP_VERIFY changes nothing of that", async () => {
  vi.stubEnv("VAULT_SKIP_VERIFY", "true");
  await expect(reading(undefined).read()).rejects.toMatchObject({ code: "secret_unavailable" });
  expect(server.asked).toHaveLength(0);
});
