import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { AgentKeyError, type SecretSource } from "@agent-keys/core";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { vaultServer, type VaultServerUnderTest } from "../../test/vault-server.ts";
import { secret } from "../reference/secret.ts";
import { secretValue } from "../secret-value.ts";
import { managedSourceContract } from "../testing/index.ts";
import { isOutage } from "../unavailable.ts";
import { vault, type VaultAuth, vaultDynamic } from "./index.ts";

let server: VaultServerUnderTest;
let folder: string;
beforeAll(async () => {
  server = await vaultServer();
  folder = mkdtempSync(join(tmpdir(), "agent-keys-vault-"));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  server.faults.length = 0;
  server.asked.length = 0;
  server.isSealed = false;
  Object.assign(server.life, { tokenSeconds: 3_600, leaseSeconds: 3_600, isRenewable: true });
  server.proofs.clear();
  server.leases.clear();
  server.tokens.clear();
  vi.unstubAllEnvs();
  for (const name of Object.keys(process.env)) {
    if (/^(VAULT|BAO)_/.test(name)) vi.stubEnv(name, undefined);
  }
  vi.stubEnv("VAULT_ADDR", server.url);
});

/** Somebody whom the server knows, by this token. */
function known(ttlSeconds = 0, policies = ["default", "reader"], namespace = ""): string {
  const token = `hvs.canary-${randomUUID()}`;
  const expiresAtMs = ttlSeconds === 0 ? Infinity : Date.now() + ttlSeconds * 1_000;
  server.tokens.set(token, { name: "token-test", policies, expiresAtMs, ttlSeconds, namespace });
  return token;
}

const source = (value: () => string): SecretSource => ({
  name: "test:proof",
  read: async () => secretValue("test:proof", value()),
});
const byToken = (token: string): VaultAuth => ({ method: "token", token: source(() => token) });

/** A secret of its own. */
function put(data: Readonly<Record<string, unknown>> | undefined, mount = "kv"): string {
  const path = `${mount}/${randomUUID()}`;
  server.secrets.set(path, [data]);
  return path;
}

const asked = (end: string): number =>
  server.asked.filter(({ url }) => url.pathname.endsWith(end)).length;

/** Why it is refused, and that nothing secret is said with it. */
async function refusedBy(refused: SecretSource): Promise<string> {
  const error: unknown = await refused.read().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(AgentKeyError);
  expect(error).toMatchObject({ code: "secret_unavailable", retryable: true });
  expect(inspect(error, { depth: null, showHidden: true })).not.toMatch(/canary|hvs\./);
  return ((error as AgentKeyError).cause as Error).message;
}

describe.each([2, 1] as const)("a key-value engine of version %i", (kv) => {
  managedSourceContract({
    test,
    open() {
      const path = `${kv === 1 ? "old" : "kv"}/${randomUUID()}`;
      return {
        source: vault({ path, field: "token", kv, auth: byToken(known()) }),
        set: (value) => {
          if (value === undefined) server.secrets.delete(path);
          else server.secrets.set(path, [{ token: value, other: "canary-other" }]);
        },
        throttle: (requests, seconds) => {
          const headers = seconds === undefined ? {} : { "retry-after": String(seconds) };
          for (let i = 0; i < requests; i += 1) server.faults.push({ status: 429, headers });
        },
        setDown: (isDown) => {
          server.isSealed = isDown;
        },
        requests: () => server.asked.length,
      };
    },
  });
});

describe("by reference, with all else in the environment", () => {
  beforeEach(() => vi.stubEnv("VAULT_TOKEN", known()));

  test("the latest version, and another", async () => {
    const path = put({ token: "canary-1" });
    server.secrets.get(path)?.push({ token: "canary-2" });
    expect((await secret(`vault:${path}#token`).read()).value).toBe("canary-2");
    const first = secret(`vault:${path}#token?version=1`);
    expect((await first.read()).value).toBe("canary-1");
    expect(first.name).toBe(`vault:${path}#token?version=1`);
    expect(await refusedBy(secret(`vault:${path}#token?version=7`))).toMatch(
      /nothing at that path/,
    );
  });

  test("a version that is deleted, or will be", async () => {
    const path = put(undefined);
    expect(await refusedBy(secret(`vault:${path}#token`))).toMatch(
      /that version is deleted \(404\)$/,
    );
    const passing = put({ token: "canary" });
    const at = new Date(Date.now() + 60_000);
    server.deletions.set(passing, at.toISOString());
    expect((await secret(`vault:${passing}#token`).read()).expiresAtMs).toBe(at.getTime());
  });

  test("a mount with a slash, a field with a dot, a field within another", async () => {
    const path = put({ "a.b": "canary-dot", c: { d: "canary-deep" } }, "team/kv");
    const of = (field: string) => secret(`vault:${path}#${field}?mount=team/kv`).read();
    expect((await of("a%2Eb")).value).toBe("canary-dot");
    expect((await of("c.d")).value).toBe("canary-deep");
    await expect(of("constructor.name")).rejects.toMatchObject({ code: "secret_unavailable" });
  });

  test("a namespace", async () => {
    const token = known(0, ["reader"], "team-a");
    vi.stubEnv("VAULT_TOKEN", token);
    const path = put({ token: "canary" });
    expect((await secret(`vault:${path}#token?namespace=team-a`).read()).value).toBe("canary");
    vi.stubEnv("VAULT_NAMESPACE", "team-a");
    expect((await secret(`vault:${path}#token`).read()).value).toBe("canary");
    expect(await refusedBy(secret(`vault:${path}#token?namespace=team-b`))).toMatch(/\(403\)$/);
  });

  test.each([
    ["vault:kv/a%2F..%2F..%2Fsys%2Fraw#x"],
    ["vault:kv/../sys/seal#x"],
    ["vault:https://evil.example/v1/kv/a#x"],
    ["vault:kv/a#x?address=https://evil.example"],
    ["vault://evil.example/kv/a#x"],
    ["vault:kv/a"],
    ["vault:kv#x"],
    ["vault:kv/a#x?version=0"],
    ["vault:kv/a#x?kv=3"],
    ["vault:kv/a#x?kv=1&version=2"],
    ["vault:kv/a#x?mount=other"],
  ])("%s is refused before anything is asked", (reference) => {
    expect(() => secret(reference)).toThrow(TypeError);
    expect(server.asked).toHaveLength(0);
  });

  test("what looks like another host is only a name", async () => {
    const reference = secret("vault:@evil.example:8200/%3Fx=1%23y/%5c%5cevil#z");
    await refusedBy(reference);
    const last = server.asked.at(-1)!;
    expect(last.target).toBe("/v1/%40evil.example%3A8200/data/%3Fx%3D1%23y/%5C%5Cevil");
  });

  test("who may read it is told, and nothing of the token", async () => {
    const { readableBy } = secret(`vault:${put({ token: "canary" })}#token`);
    expect(await readableBy?.()).toBe("token token-test with default, reader");
  });

  test.each([
    ["VAULT_ADDR", "", /there is no address; set VAULT_ADDR$/],
    ["VAULT_ADDR", "http://vault.example.com/canary", /must be an https URL/],
    ["VAULT_TOKEN", "", /nothing to log in with/],
    ["VAULT_CACERT", "/nowhere/canary.pem", /VAULT_CACERT: names a file/],
  ])("%s=%j: %s", async (name, value, why) => {
    vi.stubEnv(name, value);
    expect(await refusedBy(secret(`vault:${put({ token: "canary" })}#token`))).toMatch(why);
    expect(server.asked).toHaveLength(0);
  });
});

describe("what the server refuses", () => {
  const reading = (): SecretSource =>
    vault({ path: put({ token: "canary" }), field: "token", auth: byToken(known()) });

  test.each([
    [429, /there are too many requests \(429\)$/],
    [473, /the node is a standby \(473\)$/],
    [503, /the server is sealed, or down for maintenance \(503\)$/],
    [500, /the server failed \(500\)$/],
    [307, /it redirects; give the active node's address$/],
  ])("%i is an outage", async (status, why) => {
    const read = reading();
    await read.read();
    const headers = { location: "https://evil.example/canary", "retry-after": "0" };
    const fault = { status, headers, body: { errors: ["canary"] } };
    server.faults.push(...Array.from({ length: 8 }, () => fault));
    expect(await refusedBy(read)).toMatch(why);
    expect(isOutage(await read.read().catch((error: unknown) => error))).toBe(true);
  });

  test("a policy that does not allow it", async () => {
    const auth = byToken(known(0, ["default"]));
    const read = vault({ path: put({ token: "canary" }), field: "token", auth });
    expect(await refusedBy(read)).toMatch(/^vault:.*: access is denied: .*\(403\)$/);
    expect(isOutage(await read.read().catch((error: unknown) => error))).toBe(false);
  });

  test("a field that is not there, or holds no text", async () => {
    const path = put({ token: "canary", list: ["canary"] });
    const auth = byToken(known());
    for (const field of ["other", "list", "constructor", "__proto__"]) {
      expect(await refusedBy(vault({ path, field, auth }))).toMatch(/no text in that field$/);
    }
  });
});

describe("being let in", () => {
  test.each<[string, () => VaultAuth]>([
    ["approle", () => ({ method: "approle", roleId: "r", secretId: source(() => "canary-proof") })],
    ["jwt", () => ({ method: "jwt", role: "r", jwt: source(() => "canary-proof") })],
    ["kubernetes", () => ({ method: "kubernetes", role: "r", tokenFile: join(folder, "jwt") })],
    [
      "team/approle",
      () => ({
        method: "approle",
        roleId: "r",
        secretId: source(() => "canary-proof"),
        mount: "team/approle",
      }),
    ],
  ])("%s: once for many, again when the token is not known any more", async (mount, auth) => {
    writeFileSync(join(folder, "jwt"), "canary-proof\n");
    server.proofs.set(mount, "canary-proof");
    const shared = auth();
    const read = vault({ path: put({ token: "canary" }), field: "token", auth: shared });
    const other = vault({ path: put({ token: "canary" }), field: "token", auth: shared });
    await Promise.all(Array.from({ length: 20 }, async (_, i) => (i % 2 ? read : other).read()));
    expect(asked("/login")).toBe(1);
    server.tokens.clear();
    expect((await read.read()).value).toBe("canary");
    expect(asked("/login")).toBe(2);
    await read.close?.();
    expect(server.tokens.size).toBe(1);
    await other.close?.();
    expect(server.tokens.size).toBe(0);
    server.proofs.set(mount, "another");
    expect(await refusedBy(read)).toMatch(
      /logging in: the server does not take the request \(400\)$/,
    );
  });

  test("a token is renewed while it is used, and replaced when it cannot be", async () => {
    server.proofs.set("approle", "canary-proof");
    server.life.tokenSeconds = 3;
    const secretId = source(() => "canary-proof");
    const auth: VaultAuth = { method: "approle", roleId: "r", secretId };
    const read = vault({ path: put({ token: "canary" }), field: "token", auth });
    const untilMs = Date.now() + 4_500;
    while (Date.now() < untilMs) {
      await read.read();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(asked("/login")).toBe(1);
    expect(asked("/renew-self")).toBeGreaterThan(0);
    server.life.isRenewable = false;
    server.tokens.clear();
    await read.read();
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    expect((await read.read()).value).toBe("canary");
    expect(asked("/login")).toBe(3);
  });

  test("a token that was given is renewed, and never revoked", async () => {
    const token = known(2);
    const auth = byToken(token);
    const read = vault({ path: put({ token: "canary" }), field: "token", auth });
    const untilMs = Date.now() + 3_000;
    while (Date.now() < untilMs) {
      await read.read();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(asked("/renew-self")).toBeGreaterThan(0);
    await read.close?.();
    expect(asked("/revoke-self")).toBe(0);
    expect(server.tokens.has(token)).toBe(true);
  });

  test("a token that was replaced in the environment is found", async () => {
    vi.stubEnv("VAULT_TOKEN", known());
    const read = secret(`vault:${put({ token: "canary" })}#token`);
    await read.read();
    server.tokens.clear();
    vi.stubEnv("VAULT_TOKEN", known());
    expect((await read.read()).value).toBe("canary");
  });
});

describe("credentials that are made for this process", () => {
  const dynamic = (field: string, auth: VaultAuth) =>
    vaultDynamic({ path: "database/creds/orders", field, auth });

  test("a user name and its password belong together, and expire with the lease", async () => {
    const auth = byToken(known());
    const [user, password] = [dynamic("username", auth), dynamic("password", auth)];
    const both = await Promise.all([user.read(), password.read()]);
    expect(both[1].value).toBe(`password-of-${both[0].value}`);
    expect(server.leases.size).toBe(1);
    expect(both[0].expiresAtMs).toBeGreaterThan(Date.now() + 3_590_000);
    await user.close?.();
    expect(server.leases.size).toBe(1);
    await password.close?.();
    expect(server.leases.size).toBe(0);
  });

  test("a lease is renewed while it is used, and ends when nobody does", async () => {
    server.life.leaseSeconds = 3;
    const read = dynamic("password", byToken(known()));
    const values = new Set<string>();
    const untilMs = Date.now() + 4_500;
    while (Date.now() < untilMs) {
      values.add((await read.read()).value);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(values.size).toBe(1);
    expect(asked("/sys/leases/renew")).toBeGreaterThan(1);
    await new Promise((resolve) => setTimeout(resolve, 3_100));
    values.add((await read.read()).value);
    expect(values.size).toBe(2);
  });

  test("one that cannot be renewed is replaced before it ends", async () => {
    Object.assign(server.life, { leaseSeconds: 4, isRenewable: false });
    const read = dynamic("password", byToken(known()));
    const first = await read.read();
    expect((await read.read()).value).toBe(first.value);
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    expect((await read.read()).value).not.toBe(first.value);
    expect(Date.now()).toBeLessThan(first.expiresAtMs!);
  });

  test("one that somebody revoked is replaced when it is read again", async () => {
    const read = dynamic("password", byToken(known()));
    const first = await read.read();
    server.leases.clear();
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    expect((await read.read()).value).not.toBe(first.value);
  });

  test("while the server is sealed it serves until it ends", async () => {
    server.life.leaseSeconds = 4;
    const read = dynamic("password", byToken(known()));
    const first = await read.read();
    server.isSealed = true;
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    expect((await read.read()).value).toBe(first.value);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(await refusedBy(read)).toMatch(/sealed|ended/);
  });

  test("what has no lease is not one", async () => {
    const auth = byToken(known());
    const read = vaultDynamic({
      path: `kv/data/${put({ token: "canary" }).slice(3)}`,
      field: "token",
      auth,
    });
    expect(await refusedBy(read)).toMatch(/there is no lease on it/);
  });
});

test.each<[object, RegExp]>([
  [{ path: "kv/a" }, /vault: field: must be/],
  [{ field: "x" }, /vault: path: must be/],
  [{ path: "kv/../a", field: "x" }, /vault: path: must be/],
  [{ path: "kv", field: "x" }, /vault: path: must begin/],
  [{ path: "kv/a", field: "x", addres: "x" }, /vault: addres: not an option/],
  [
    { path: "kv/a", field: "x", address: "http://example.com" },
    /vault: address: must be an https URL/,
  ],
  [{ path: "kv/a", field: "x", auth: { method: "ldap" } }, /vault: auth.method: must be one of/],
  [
    { path: "kv/a", field: "x", auth: { method: "token", token: "hvs.canary" } },
    /token: must be a source/,
  ],
  [
    { path: "kv/a", field: "x", auth: { method: "jwt", role: "", jwt: source(() => "") } },
    /role: must be/,
  ],
  [{ path: "kv/a", field: "x", ca: "canary" }, /vault: ca: must be certificates/],
])("vault(%j) is a TypeError", (options, why) => {
  expect(() => vault(options as never)).toThrow(TypeError);
  expect(() => vault(options as never)).toThrow(why);
  expect(() => vault(options as never)).not.toThrow(/canary/);
});
