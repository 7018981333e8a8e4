import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { AWS_REGION, awsServer } from "../../test/aws-server.ts";
import { dopplerServer } from "../../test/doppler-server.ts";
import { gcpServer } from "../../test/gcp-server.ts";
import { infisicalServer } from "../../test/infisical-server.ts";
import { connectId, connectServer } from "../../test/onepassword-server.ts";
import { secret } from "./secret.ts";

/** What every manager here holds under the name that the references below use. */
const VALUE = '{"token":"canary-1","nested":{"token":"canary-2"}}';
const servers: AsyncDisposable[] = [];
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "agent-keys-references-"));
  await Promise.all([openAws(), openDoppler(), openGcp(), openInfisical(), openConnect()]);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await Promise.all(servers.map(async (server) => server[Symbol.asyncDispose]()));
  rmSync(folder, { recursive: true, force: true });
});

async function openAws(): Promise<void> {
  const server = await awsServer();
  servers.push(server);
  for (const name of ["prod/github", "/prod/github"]) {
    server.secrets.set(name, [
      { id: "1", text: "canary-old" },
      { id: "2", text: VALUE },
    ]);
  }
  server.identities.set("AKIATEST", { secretAccessKey: "secret" });
  vi.stubEnv("AWS_ENDPOINT_URL", server.url);
  vi.stubEnv("AWS_REGION", "us-east-1");
  vi.stubEnv("AWS_PROFILE", undefined);
  vi.stubEnv("AWS_SESSION_TOKEN", undefined);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIATEST");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
}

async function openDoppler(): Promise<void> {
  const server = await dopplerServer();
  servers.push(server);
  server.tokens.set("dp.st.1", { project: "backend", config: "prd" });
  server.secrets.set("backend/prd/GITHUB", { raw: VALUE, computed: VALUE });
  vi.stubEnv("DOPPLER_API_HOST", server.url);
  vi.stubEnv("DOPPLER_TOKEN", "dp.st.1");
}

async function openGcp(): Promise<void> {
  const server = await gcpServer();
  servers.push(server);
  const versions = ["canary-old", VALUE].map((text) => ({ bytes: Buffer.from(text) }));
  server.secrets.set("projects/acme/secrets/github", versions);
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const client_email = "broker@acme.iam.gserviceaccount.com";
  server.accounts.set(client_email, publicKey);
  const private_key = privateKey.export({ type: "pkcs8", format: "pem" });
  const path = join(folder, "gcp.json");
  writeFileSync(path, JSON.stringify({ type: "service_account", client_email, private_key }));
  vi.stubEnv("CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER", server.url);
  vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", path);
}

async function openInfisical(): Promise<void> {
  const server = await infisicalServer();
  servers.push(server);
  server.identities.set("broker", "st.1");
  server.secrets.set("p1 prod /pay/eu GITHUB", ["canary-old", VALUE]);
  server.secrets.set("p1 prod / GITHUB", [VALUE]);
  vi.stubEnv("INFISICAL_API_URL", server.url);
  vi.stubEnv("INFISICAL_UNIVERSAL_AUTH_CLIENT_ID", "broker");
  vi.stubEnv("INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET", "st.1");
}

async function openConnect(): Promise<void> {
  const server = await connectServer();
  servers.push(server);
  const id = connectId();
  const fields = [{ id: "f1", label: "token", value: VALUE, section: { id: "s1" } }];
  const item = { id: connectId(), title: "GitHub", sections: [{ id: "s1", label: "API" }], fields };
  server.vaults.push({ id, name: "Production", items: [item] });
  server.tokens.set("token", [id]);
  vi.stubEnv("OP_CONNECT_HOST", server.url);
  vi.stubEnv("OP_CONNECT_TOKEN", "token");
}

describe("a reference is followed to the manager", () => {
  test.each<[string, string]>([
    [`aws:prod/github?region=${AWS_REGION}`, VALUE],
    [`aws:/prod/github#nested.token?region=${AWS_REGION}`, "canary-2"],
    [`aws:prod/github?version=1&region=${AWS_REGION}`, "canary-old"],
    [`aws:prod/github?stage=AWSPREVIOUS&region=${AWS_REGION}`, "canary-old"],
    [`aws:arn:aws:secretsmanager:${AWS_REGION}:1:secret:prod/github#token`, "canary-1"],
    [`ssm:/prod/github#token?region=${AWS_REGION}`, "canary-1"],
    [`ssm:/prod/github?version=1&region=${AWS_REGION}`, "canary-old"],
    ["doppler:backend/prd/GITHUB", VALUE],
    ["doppler:backend/prd/GITHUB#token", "canary-1"],
    ["gcp:projects/acme/secrets/github", VALUE],
    ["gcp:projects/acme/secrets/github/versions/1", "canary-old"],
    ["gcp:projects/acme/secrets/github#token", "canary-1"],
    ["infisical:p1/prod/GITHUB#token", "canary-1"],
    ["infisical:p1/prod/pay/eu/GITHUB", VALUE],
    ["infisical:p1/prod/pay/eu/GITHUB?version=1", "canary-old"],
    ["op:Production/GitHub/token", VALUE],
    ["op:Production/GitHub/API/token", VALUE],
  ])("%s", async (reference, value) => {
    const source = secret(reference);
    expect((await source.read()).value).toBe(value);
    expect(source.name).toBe(reference);
  });
});

test.each([
  ["aws:", "the path"],
  ["doppler:backend/GITHUB", "doppler:project/config/GITHUB_TOKEN"],
  ["gcp:projects/acme/secrets/github/versions", "this is no projects/…/secrets/…"],
  ["gcp:acme/secrets/github/versions", "this is no projects/…/secrets/…"],
  ["gcp:projects/acme/secrets/github/version/1", "this is no projects/…/secrets/…"],
  ["azure:acme-prod", "azure:vault/secret[/version]"],
  ["infisical:p1/prod/GITHUB?version=latest", "its version is no number"],
  ["op:Production/GitHub", "op:vault/item[/section]/field"],
  ["op:Production/GitHub/token#x", "op:vault/item[/section]/field"],
])("%s is refused when it is written", (reference, why) => {
  expect(() => secret(reference)).toThrow(why);
});

test("azure:… names a vault of Azure, and what Azure has no name for is refused when it is read", async () => {
  for (const reference of [
    "azure:acme.example/github",
    "azure:acme-prod/a_b",
    "azure:v/s/latest",
  ]) {
    await expect(secret(reference).read()).rejects.toMatchObject({
      code: "secret_unavailable",
      cause: { message: expect.stringContaining("is no name that Azure knows") as string },
    });
  }
});
