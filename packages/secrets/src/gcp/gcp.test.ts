import { generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { gcpServer, type GcpServer } from "../../test/gcp-server.ts";
import { httpSourceSuite } from "../../test/http-source-suite.ts";
import { signedJwt } from "../../test/jwt.ts";
import { managed } from "../../test/local-server.ts";
import { refusedBy } from "../../test/refused-by.ts";
import { managedSourceContract } from "../testing/index.ts";
import { isOutage } from "../unavailable.ts";
import { gcp } from "./index.ts";
import { crc32c } from "./payload.ts";

const EMAIL = "broker@acme-prod.iam.gserviceaccount.com";
const account = generateKeyPairSync("rsa", { modulusLength: 2048 });
const issuer = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pem = account.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const hidden = [pem.slice(40, 90)];
let server: GcpServer;
let folder: string;

beforeAll(async () => {
  server = await gcpServer();
  folder = mkdtempSync(join(tmpdir(), "agent-keys-gcp-"));
  server.pool.issuer = issuer.publicKey;
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function keyFile(privateKey: KeyObject | string, name: string = randomUUID()): string {
  const path = join(folder, name);
  const text =
    typeof privateKey === "string"
      ? privateKey
      : privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  writeFileSync(
    path,
    JSON.stringify({
      type: "service_account",
      project_id: "acme-prod",
      private_key_id: "k1",
      private_key: text,
      client_email: EMAIL,
      token_uri: `${server.url}/not-asked`,
    }),
    { mode: 0o600 },
  );
  return path;
}

beforeEach(() => {
  server.faults.length = 0;
  server.isDown = false;
  server.asked.length = 0;
  server.pool.lifeSeconds = 3_600;
  server.accounts.set(EMAIL, account.publicKey);
  vi.stubEnv("HOME", folder);
  vi.stubEnv("GOOGLE_CLOUD_PROJECT", undefined);
  vi.stubEnv("CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER", server.url);
  vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", keyFile(pem, "key.json"));
});

const of = (secret: string) => gcp({ project: "acme-prod", secret });
const pathOf = (secret: string): string => `projects/acme-prod/secrets/${secret}`;

function put(secret: string, value: string | undefined): void {
  const versions = server.secrets.get(pathOf(secret)) ?? [];
  if (value === undefined) server.secrets.delete(pathOf(secret));
  else server.secrets.set(pathOf(secret), [...versions, { bytes: Buffer.from(value) }]);
}

function holding(value: string): string {
  const secret = randomUUID();
  put(secret, value);
  return secret;
}

function open() {
  const secret = randomUUID();
  return {
    source: of(secret),
    set: (value: string | undefined) => put(secret, value),
    ...managed(server),
  };
}

managedSourceContract({ test, open });
httpSourceSuite(() => ({ ...open(), server, hidden }));

describe("who asks", () => {
  test("a service account signs for itself, and asks nobody for a token", async () => {
    expect((await of(holding("canary")).read()).value).toBe("canary");
    expect(
      server.asked.map(({ method, target }) => [method, target.replace(/[0-9a-f-]{36}/, "s")]),
    ).toEqual([["GET", "/v1/projects/acme-prod/secrets/s/versions/latest:access"]]);
  });

  test("with another key it is not who it says", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", keyFile(privateKey));
    expect(await refusedBy(of(holding("canary")))).toBe("the token is not accepted (status 401)");
  });

  test("a key file that is wrong or missing is said to be, without its content", async () => {
    for (const path of [keyFile(pem.slice(0, 200)), join(folder, "nowhere")]) {
      vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", path);
      expect(await refusedBy(of(holding("canary")), [pem.slice(40, 90)])).toMatch(
        /^cannot be read \(/,
      );
    }
    expect(server.asked).toHaveLength(0);
  });

  /** A workload identity federation, with the token of the workload in a file. */
  function federation(extra: Readonly<Record<string, unknown>> = {}, aud = server.pool.audience) {
    const token = join(folder, randomUUID());
    writeFileSync(token, signedJwt({ iss: "https://k8s", sub: "broker", aud }, issuer.privateKey));
    const path = join(folder, randomUUID());
    const config = {
      type: "external_account",
      audience: server.pool.audience,
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      token_url: `${server.url}/v1/token`,
      credential_source: { file: token },
      ...extra,
    };
    writeFileSync(path, JSON.stringify(config));
    vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", path);
  }

  const exchanges = (): number =>
    server.asked.filter(({ target }) => target === "/v1/token").length;

  test("a workload exchanges its own token, once for all reads", async () => {
    federation();
    const source = of(holding("canary"));
    await source.read();
    expect((await source.read()).value).toBe("canary");
    expect(exchanges()).toBe(1);
  });

  test("and again when what it was given is about to end", async () => {
    federation();
    server.pool.lifeSeconds = 2;
    const source = of(holding("canary"));
    await source.read();
    expect((await source.read()).value).toBe("canary");
    expect(exchanges()).toBe(2);
  });

  test("a token that was revoked is not used again", async () => {
    federation();
    const source = of(holding("canary"));
    await source.read();
    server.tokens.clear();
    expect(await refusedBy(source)).toBe("the token is not accepted (status 401)");
    expect((await source.read()).value).toBe("canary");
    expect(exchanges()).toBe(2);
  });

  test("an exchange that is out of reach is an outage, and no refusal", async () => {
    federation();
    server.isDown = true;
    const error: unknown = await of(holding("canary"))
      .read()
      .catch((thrown: unknown) => thrown);
    expect(isOutage(error)).toBe(true);
  });

  test("it may act as a service account", async () => {
    const at = `${server.url}/v1/projects/-/serviceAccounts/${EMAIL}:generateAccessToken`;
    federation({ service_account_impersonation_url: at });
    expect((await of(holding("canary")).read()).value).toBe("canary");
    expect(server.asked.some(({ target }) => target.endsWith(":generateAccessToken"))).toBe(true);
  });

  test("a workload's token for somebody else is not taken", async () => {
    federation({}, "another");
    expect(await refusedBy(of(holding("canary")))).toMatch(/^cannot be read \(/);
  });

  test("the machine's own account", async () => {
    vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", undefined);
    vi.stubEnv("GCE_METADATA_HOST", server.url.slice("http://".length));
    vi.stubEnv("METADATA_SERVER_DETECTION", "assume-present");
    expect((await of(holding("canary")).read()).value).toBe("canary");
    expect(server.asked.some(({ target }) => target.startsWith("/computeMetadata/"))).toBe(true);
  });
});

describe("which secret", () => {
  test("a version of it", async () => {
    const secret = holding("first");
    put(secret, "second");
    const at = async (version: string): Promise<string> =>
      (await gcp({ project: "acme-prod", secret, version }).read()).value;
    expect([await at("1"), await at("2"), await at("latest")]).toEqual([
      "first",
      "second",
      "second",
    ]);
    expect(await refusedBy(gcp({ project: "acme-prod", secret, version: "3" }))).toBe(
      "there is no such secret (status 404)",
    );
  });

  test("a version that was disabled", async () => {
    server.secrets.set(pathOf("off"), [{ bytes: Buffer.from("canary"), state: "DISABLED" }]);
    expect(await refusedBy(of("off"))).toBe("cannot be read (status 400)");
  });

  test("what was damaged on the way, and what is no text", async () => {
    server.secrets.set(pathOf("damaged"), [{ bytes: Buffer.from("canary"), crc32c: "1" }]);
    expect(await refusedBy(of("damaged"))).toBe("arrived damaged");
    server.secrets.set(pathOf("binary"), [{ bytes: new Uint8Array([0xff, 0xfe, 0]) }]);
    expect(await refusedBy(of("binary"))).toBe("the secret is binary, and not UTF-8 text");
  });

  // RFC 3720, appendix B.4.
  test.each([
    [new Uint8Array(32), 0x8a_91_36_aa],
    [new Uint8Array(32).fill(0xff), 0x62_a8_ab_43],
    [Uint8Array.from({ length: 32 }, (_, i) => i), 0x46_dd_79_4e],
  ])("the checksum is that of the RFC", (bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });

  test("its names", () => {
    expect(of("github").name).toBe("gcp:projects/acme-prod/secrets/github");
    expect(gcp({ project: "p", secret: "s", version: "3" }).name).toBe(
      "gcp:projects/p/secrets/s/versions/3",
    );
    for (const option of ["project", "secret", "version"]) {
      expect(() => gcp({ project: "p", secret: "s", [option]: "" })).toThrow(
        new TypeError(`gcp: ${option}: must be a text that is not empty`),
      );
    }
    expect(() => gcp({ project: "..", secret: "s" })).toThrow(TypeError);
  });
});
