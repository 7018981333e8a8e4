import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import dns, { type LookupAddress } from "node:dns";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { azureServer, type AzureServer } from "../../test/azure-server.ts";
import { signedJwt } from "../../test/jwt.ts";
import { managed } from "../../test/local-server.ts";
import { ownCertificate } from "../../test/own-certificate.ts";
import { refusedBy } from "../../test/refused-by.ts";
import { managedSourceContract } from "../testing/index.ts";
import { isOutage } from "../unavailable.ts";
import { vaultDomain } from "./credential.ts";
import { azure, type AzureSecret } from "./index.ts";

let server: AzureServer;
let folder: string;
/** Names that were looked up, and are not those of the server here: calls home, if there are any. */
const elsewhere: string[] = [];
const authorities = getCACertificates("default");
const { lookup } = dns;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "agent-keys-azure-"));
  const own = ownCertificate(folder, ["localhost", "*.vault.azure.net"]);
  setDefaultCACertificates([...authorities, own.cert]);
  server = await azureServer(own);
  // The vault keeps its real name, so that the client's check of the domain is the real one.
  dns.lookup = ((host: string, options: { all?: boolean }, done: (...all: unknown[]) => void) => {
    if (!/^(localhost|acme-prod\.vault\.azure\.net)$/.test(host)) {
      elsewhere.push(host);
      return done(Object.assign(new Error("not from here"), { code: "ENOTFOUND" }));
    }
    const address: LookupAddress = { address: "127.0.0.1", family: 4 };
    return options.all === true ? done(null, [address]) : done(null, address.address, 4);
  }) as typeof lookup;
});
afterAll(async () => {
  dns.lookup = lookup;
  setDefaultCACertificates(authorities);
  vi.unstubAllEnvs();
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(() => {
  server.faults.length = 0;
  server.asked.length = 0;
  server.isDown = false;
  server.login.fault = undefined;
  server.life.seconds = 3_600;
  server.resource.url = "https://vault.azure.net";
  vi.unstubAllEnvs();
  for (const name of Object.keys(process.env)) {
    if (/^(AZURE|IDENTITY|MSI)_/.test(name)) vi.stubEnv(name, undefined);
  }
  vi.stubEnv("AZURE_AUTHORITY_HOST", server.url);
  vi.stubEnv("AZURE_TENANT_ID", server.application.tenant);
  vi.stubEnv("AZURE_CLIENT_ID", server.application.client);
  vi.stubEnv("AZURE_CLIENT_SECRET", server.application.secret);
});

const of = (secret: string, more: Partial<AzureSecret> = {}) => {
  const { port } = new URL(server.url);
  const address = `https://acme-prod.vault.azure.net:${port}`;
  return azure({ vault: "acme-prod", secret, address, ...more });
};

function put(secret: string, value: string | undefined, exp?: number): void {
  const id = randomBytes(16).toString("hex");
  const version = exp === undefined ? { id, value: value ?? "" } : { id, value: value ?? "", exp };
  if (value === undefined) server.secrets.delete(secret);
  else server.secrets.set(secret, [...(server.secrets.get(secret) ?? []), version]);
}

function holding(value: string): string {
  const secret = randomUUID();
  put(secret, value);
  return secret;
}

managedSourceContract({
  test,
  open: () => {
    const secret = randomUUID();
    return { source: of(secret), set: (value) => put(secret, value), ...managed(server) };
  },
});

const logins = (): number => server.asked.filter(({ method }) => method === "POST").length;

describe("who asks", () => {
  test("a client secret, of which one token is enough for all reads", async () => {
    const source = of(holding("canary"));
    await source.read();
    expect((await source.read()).value).toBe("canary");
    expect(logins()).toBe(1);
    expect(elsewhere).toEqual([]);
  });

  test("and another token before that one ends", async () => {
    server.life.seconds = 2;
    const source = of(holding("canary"));
    await source.read();
    await expect.poll(async () => ((await source.read()).value, logins())).toBeGreaterThan(1);
  });

  const down = { error: "temporarily_unavailable", error_description: "canary" };
  test.each([
    [0, "<h1>No"],
    [2, "<h1>No"],
    [2, down],
  ])("after %i logins one that is answered %j is an outage", async (logins, body) => {
    server.life.seconds = 2;
    const source = of(holding("canary"));
    for (let count = 0; count < logins; count += 1) await source.read();
    server.login.fault = { status: 503, body };
    server.tokens.clear();
    for (let count = 0; count < 2; count += 1) {
      const error: unknown = await source.read().catch((thrown: unknown) => thrown);
      expect(isOutage(error)).toBe(true);
    }
    expect(await refusedBy(source)).toBe("is out of reach (the login)");
    server.login.fault = undefined;
    expect((await source.read()).value).toBe("canary");
  });

  test("a token that was revoked is replaced", async () => {
    const source = of(holding("canary"));
    await source.read();
    server.tokens.clear();
    expect((await source.read()).value).toBe("canary");
    expect(logins()).toBe(2);
  });

  test("a login that failed ahead of time fails no read", async () => {
    // In its last second it must be replaced; before, it may be.
    server.life.seconds = 3;
    server.tokens.clear();
    const source = of(holding("canary"));
    await source.read();
    const untilMs = Math.max(...server.tokens.values());
    server.login.fault = { status: 503, body: down };
    await source.read();
    await expect.poll(logins).toBeGreaterThan(1);
    server.login.fault = undefined;
    // Until its own token has ended, and one read longer.
    while (Date.now() <= untilMs) expect((await source.read()).value).toBe("canary");
    expect((await source.read()).value).toBe("canary");
  });

  test("a secret that is wrong is not told", async () => {
    vi.stubEnv("AZURE_CLIENT_SECRET", "client-secret-3Zq");
    const why = await refusedBy(of(holding("canary")), ["client-secret-3Zq", "AADSTS"]);
    expect(why).toBe("the credentials are not accepted (AuthenticationRequiredError)");
  });

  test("a certificate signs for the application, and another one does not", async () => {
    vi.stubEnv("AZURE_CLIENT_SECRET", undefined);
    const own = ownCertificate(folder, []);
    const file = join(folder, "client-both.pem");
    writeFileSync(file, `${own.key}\n${own.cert}`, { mode: 0o600 });
    vi.stubEnv("AZURE_CLIENT_CERTIFICATE_PATH", file);
    expect(await refusedBy(of(holding("canary")))).toBe(
      "the credentials are not accepted (AuthenticationRequiredError)",
    );
    server.application.certificate = own.cert;
    expect((await of(holding("canary")).read()).value).toBe("canary");
  });

  test("a workload's own token, of the issuer that is trusted", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const file = join(folder, "federated");
    const claims = { iss: "https://k8s", sub: "broker", aud: "api://AzureADTokenExchange" };
    writeFileSync(file, signedJwt(claims, privateKey));
    vi.stubEnv("AZURE_CLIENT_SECRET", undefined);
    vi.stubEnv("AZURE_FEDERATED_TOKEN_FILE", file);
    expect(await refusedBy(of(holding("canary")))).toBe(
      "the credentials are not accepted (AuthenticationRequiredError)",
    );
    server.application.issuer = publicKey;
    expect((await of(holding("canary")).read()).value).toBe("canary");
  });

  test("the managed identity of an App Service", async () => {
    vi.stubEnv("AZURE_CLIENT_SECRET", undefined);
    vi.stubEnv("IDENTITY_ENDPOINT", `${server.url}/msi/token`);
    vi.stubEnv("IDENTITY_HEADER", server.application.identityHeader);
    expect((await of(holding("canary")).read()).value).toBe("canary");
    expect(logins()).toBe(0);
  });

  test("a vault that wants tokens for another domain is given none", async () => {
    server.resource.url = "https://vault.example";
    expect(await refusedBy(of(holding("canary")))).toMatch(/^cannot be read \(/);
    expect(logins()).toBe(0);
  });
});

describe("which secret", () => {
  test("a version of it", async () => {
    const secret = holding("first");
    put(secret, "second");
    const [first] = server.secrets.get(secret) ?? [];
    const version = first!.id;
    expect((await of(secret).read()).value).toBe("second");
    expect((await of(secret, { version }).read()).value).toBe("first");
    expect(of("s", { version }).name).toBe(`azure:acme-prod/s/${version}`);
    const absent = of(secret, { version: "0".repeat(32) });
    expect(await refusedBy(absent)).toBe("there is no such secret, or no such version of it");
  });

  test("when it ends", async () => {
    const secret = randomUUID();
    const exp = Math.floor(Date.now() / 1000) + 600;
    put(secret, "canary", exp);
    expect((await of(secret).read()).expiresAtMs).toBe(exp * 1000);
  });

  test("one that was disabled", async () => {
    server.secrets.set("off", [{ id: "1", value: "canary", isDisabled: true }]);
    expect(await refusedBy(of("off"))).toBe("access is denied (Forbidden)");
  });

  test("a redirect is not followed", async () => {
    const secret = holding("canary");
    const source = of(secret);
    await source.read();
    const before = server.asked.length;
    server.faults.push({ status: 307, headers: { location: `${server.url}/secrets/${secret}` } });
    await refusedBy(source);
    expect(server.asked).toHaveLength(before + 1);
  });

  test("not for ever is a busy vault asked", async () => {
    const source = of(holding("canary"));
    await source.read();
    const fault = {
      status: 429,
      headers: { "retry-after": "0" },
      body: { error: { code: "Throttled" } },
    };
    server.faults.push(fault, fault, fault, fault, fault);
    expect(await refusedBy(source)).toBe("is out of reach (Throttled)");
    expect(server.faults).toHaveLength(1);
  });

  test("wrong options are refused at once, and not quoted", () => {
    const wrong = { vault: "acme.example", secret: "a/b", version: "latest" };
    for (const [option, value] of Object.entries(wrong)) {
      expect(() => of("s", { [option]: value })).toThrow(
        new TypeError(`azure: ${option}: is no name that Azure knows`),
      );
    }
    expect(() => of("s", { address: "http://canary.example" })).toThrow(
      new TypeError("azure: address: must be an https URL (http only on loopback)"),
    );
  });

  test.each([
    [undefined, "vault.azure.net"],
    ["https://login.microsoftonline.us", "vault.usgovcloudapi.net"],
    ["https://login.chinacloudapi.cn/", "vault.azure.cn"],
  ])("by %s its vaults are in %s", (AZURE_AUTHORITY_HOST, domain) => {
    expect(vaultDomain({ AZURE_AUTHORITY_HOST })).toBe(domain);
  });
});
