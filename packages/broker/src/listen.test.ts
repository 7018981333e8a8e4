import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAgentKeys, fileSink, memorySink, type SinkInput } from "@agent-keys/core";
import { expect, test } from "vitest";
import { AGENT, ISSUER, SCOPES, secretOf } from "../test/setup.ts";
import { type Broker, createBroker } from "./create-broker.ts";
import { bearer } from "./service/credential.ts";
import { defineService } from "./service/define-service.ts";
import type { Service } from "./service/service.ts";

const jwks = createAgentKeys({ agent: AGENT, policy: "allow-all", audit: memorySink() }).jwks();

function open(port: number, audit: SinkInput, host = "127.0.0.1"): Broker {
  const tickets = defineService({
    name: "tickets",
    baseUrl: "https://tickets.example",
    credential: bearer(),
    scopes: SCOPES,
  }) as unknown as Service;
  return createBroker({
    issuers: { [ISSUER]: { jwks, agents: [AGENT], policy: "allow-all" } },
    services: [tickets],
    secrets: { tickets: secretOf("a-secret-1234") },
    host,
    port,
    behindTls: true,
    audit,
  });
}

test("a port in use is said, with what to do, whatever goes wrong on the way out", async () => {
  const other = createServer();
  other.listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  // A sink that cannot be flushed fails the close as well.
  const flush = (): never => {
    throw new Error("the disk is gone");
  };
  const start = async (): Promise<void> => {
    await using broker = open(port, { write: () => undefined, flush });
    await broker.listen();
  };
  await expect(start()).rejects.toMatchObject({
    name: "Error",
    message: `the broker cannot listen at 127.0.0.1, port ${port}: it is in use; stop what listens there, or set another port (0 takes any that is free)`,
    code: "EADDRINUSE",
    port,
  });
  other.close();
});

test("an address of another machine is said", async () => {
  await using broker = open(0, memorySink(), "192.0.2.1");
  await expect(broker.listen()).rejects.toThrow("host is no address of this machine");
});

test("a record that cannot be opened is said before anything listens", () => {
  const path = join(mkdtempSync(join(tmpdir(), "listen-")), "missing", "broker.audit.jsonl");
  expect(() => open(0, fileSink(path))).toThrow(TypeError);
  expect(() => open(0, fileSink(path))).toThrow(/audit: cannot be opened: .*ENOENT/);
});

test("one that can be is there, and says so with its first line", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "listen-")), "broker.audit.jsonl");
  await using broker = open(0, fileSink(path));
  expect(existsSync(path)).toBe(true);
  const { url } = await broker.listen();
  await (await fetch(`${url}/tickets/tickets/1`)).text();
  await broker.close();
  const types = readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { type: string }).type);
  expect(types).toEqual(["audit.opened", "request.refused"]);
});
