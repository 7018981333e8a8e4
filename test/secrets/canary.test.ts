import { execFile, spawn } from "node:child_process";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createAgentKeys, memorySink } from "@agent-keys/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  vaultServer,
  type VaultServerUnderTest,
} from "../../packages/secrets/test/vault-server.ts";

const execFileAsync = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const manifest = createRequire(import.meta.url).resolve("@agent-keys/console/package.json");
const bin = join(dirname(manifest), "bin/agent-keys.js");

/** The credentials: what the manager holds, and how the broker is let in there. */
const CANARY = `canary-${randomUUID()}`;
const PROOF = `proof-${randomUUID()}`;
/** So that it could be found, if it were where it is looked for: also in these forms. */
const FORMS = [
  CANARY,
  Buffer.from(CANARY).toString("base64url").slice(0, -2),
  encodeURIComponent(CANARY),
];

let home: string;
let manager: VaultServerUnderTest;
let url: string;
const upstream = createServer((request, response) => {
  // One that says what it was sent, as some do.
  const said = JSON.stringify({ you: request.headers.authorization });
  response.writeHead(request.url === "/tickets/401" ? 401 : 200, {
    "x-you": request.headers.authorization,
  });
  response.end(said);
});
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "agent-keys-canary-"));
  mkdirSync(join(home, "node_modules"));
  mkdirSync(join(home, "tmp"));
  symlinkSync(join(root, "node_modules/@agent-keys"), join(home, "node_modules/@agent-keys"));
  manager = await vaultServer();
  manager.proofs.set("approle", PROOF);
  manager.secrets.set("kv/tickets", [{ token: CANARY }]);
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
  url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
});
afterAll(async () => {
  upstream.closeAllConnections();
  upstream.close();
  await manager[Symbol.asyncDispose]();
  rmSync(home, { recursive: true });
});

/** Runs a broker on this reference, sends requests, and gives all that could be seen of it. */
async function seenOf(
  reference: string,
  extra: Record<string, string>,
): Promise<Record<string, string>> {
  const audit = join(home, `${randomUUID()}.jsonl`);
  const config = join(home, `${randomUUID()}.mjs`);
  const { privateKey } = generateKeyPairSync("ed25519");
  const minting = (audience: string) =>
    createAgentKeys({
      agent: "a",
      issuer: "urn:i",
      policy: "allow-all",
      signingKey: privateKey,
      audience,
      audit: memorySink(),
    });
  writeFileSync(
    config,
    `import { bearer, defineConfig, defineService } from "@agent-keys/broker";
import { fileSink } from "@agent-keys/core";
const tickets = defineService({
  name: "tickets",
  baseUrl: ${JSON.stringify(url)},
  credential: bearer(),
  scopes: { read: ["GET /tickets/:ticketId"] },
  network: "private",
});
export default defineConfig({
  issuers: { "urn:i": { jwks: ${JSON.stringify(minting("urn:n").jwks())}, agents: ["a"], policy: "allow-all" } },
  services: [tickets],
  audit: fileSink(${JSON.stringify(audit)}),
  port: 0,
});`,
  );
  const env = {
    PATH: process.env["PATH"],
    TMPDIR: join(home, "tmp"),
    VAULT_ADDR: manager.url,
    VAULT_ROLE_ID: "broker",
    VAULT_SECRET_ID: PROOF,
    AGENT_KEYS_SECRET_TICKETS: reference,
    ...extra,
  };
  const broker = spawn(process.execPath, [bin, "broker", "--config", config], { cwd: home, env });
  let said = "";
  for (const stream of [broker.stdout, broker.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  }
  const ended = once(broker, "exit");
  while (!said.includes("broker on")) await once(broker.stderr, "data");
  const [, at = ""] = /broker on (\S+),/.exec(said) ?? [];
  const keys = minting(at);
  const answers: string[] = [];
  for (const path of ["1", "401", "2"]) {
    const headers = { authorization: `Bearer ${keys.mint("tickets:read").token}` };
    const response = await fetch(`${at}/tickets/tickets/${path}`, { headers });
    answers.push(JSON.stringify([...response.headers]), await response.text());
  }
  const proc = (name: string): string => readFileSync(`/proc/${broker.pid}/${name}`, "latin1");
  const process_ = {
    "command line": proc("cmdline"),
    environment: proc("environ"),
    title: proc("comm") + proc("status"),
  };
  broker.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
  const left = readdirSync(join(home, "tmp"), { recursive: true, withFileTypes: true });
  const files = left.filter((entry) => entry.isFile());
  // Not spawnSync: the manager answers from this very process.
  const run = async (...args: string[]): Promise<string> => {
    const ran = await execFileAsync(process.execPath, [bin, ...args], { cwd: home, env }).catch(
      (error: unknown) => error as { stdout: string; stderr: string },
    );
    return ran.stdout + ran.stderr;
  };
  const check = ["secrets", "check", "--config", config];
  return {
    ...process_,
    answers: answers.join("\n"),
    output: said,
    record: readFileSync(audit, "utf8"),
    "temporary files": files
      .map((f) => f.name + readFileSync(join(f.parentPath, f.name), "latin1"))
      .join(),
    "secrets check": (await run(...check)) + (await run(...check, "--json")),
    "agent-keys tail": await run("tail", "--file", audit),
  };
}

describe("a secret of a manager", () => {
  let seen: Record<string, string>;
  beforeAll(async () => {
    seen = await seenOf("vault:kv/tickets#token", {});
  });

  test("is sent upstream, or this shows nothing", () => {
    expect(manager.asked.some(({ url: asked }) => asked.pathname === "/v1/kv/data/tickets")).toBe(
      true,
    );
    expect(seen["record"]).toContain('"request.completed"');
    expect(seen["secrets check"]).toMatch(/vault:kv\/tickets#token/);
    expect(seen["secrets check"]).toContain('"resolves":true');
  });

  test.each(["command line", "environment", "title", "answers", "output", "record"])(
    "is not in: %s",
    none,
  );
  test.each(["temporary files", "secrets check", "agent-keys tail"])("is not in: %s", none);

  function none(name: string): void {
    const text = seen[name];
    expect(text).toBeDefined();
    for (const form of FORMS) expect(text).not.toContain(form);
    // How the broker is let in is in its environment, where it was put, and nowhere else.
    expect(name === "environment" || !(text ?? "").includes(PROOF)).toBe(true);
    expect(text).not.toContain("hvs.");
  }

  test("leaves no token behind at the manager", () => {
    expect(manager.tokens.size).toBe(0);
  });
});

test("a manager that is down, and errors that quote: nothing of either is told", async () => {
  manager.isSealed = true;
  const seen = await seenOf("vault:kv/tickets#token", {});
  manager.isSealed = false;
  expect(seen["output"]).toContain("sealed");
  expect(seen["record"]).toContain("secret_unavailable");
  expect(seen["secrets check"]).toContain("sealed");
  for (const text of Object.values(seen)) expect(text).not.toContain(CANARY);
}, 90_000);

test("where it would be found: a secret of the environment is in the environment", async () => {
  const seen = await seenOf("env:TICKETS", { TICKETS: CANARY });
  expect(seen["environment"]).toContain(CANARY);
  const { environment: _, ...others } = seen;
  for (const text of Object.values(others)) expect(text).not.toContain(CANARY);
});
