import { generateKeyPairSync, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import { bearer, createBroker, defineService } from "@agent-keys/broker";
import { createAgentKeys, memorySink } from "@agent-keys/core";
import { secretValue } from "@agent-keys/secrets";
import { vault } from "@agent-keys/secrets/vault";
import { vaultServer } from "../../packages/secrets/test/vault-server.ts";

/** What came of a load under which a secret was rotated. */
export interface Rotated {
  readonly sent: number;
  /** How often each status came; 0: no answer. */
  readonly statuses: Readonly<Record<number, number>>;
  /** How often the upstream was sent a secret that it did not take any more. */
  readonly refusals: number;
  /** How often the manager was asked for it. */
  readonly reads: number;
  /** Everything that the record says. */
  readonly record: string;
  readonly secrets: readonly string[];
}

/** What the load is: a secret that the manager says expires, or one that is found out to have gone. */
export interface Load {
  readonly seconds: number;
  readonly perSecond: number;
  readonly isExpiring: boolean;
}

const MOST_AT_ONCE = 50;

/**
 * Rotates a service's secret every second while requests go through a broker. The upstream takes the newest,
 * and the one before it until the next comes, as services do that let their secrets be rotated: with none
 * but the newest, a process that gets no processor for a second would be refused twice.
 */
export async function rotateUnderLoad({ seconds, perSecond, isExpiring }: Load): Promise<Rotated> {
  await using manager = await vaultServer();
  const token = `hvs.${randomUUID()}`;
  const policies = ["reader"];
  const account = { name: "broker", policies, expiresAtMs: Infinity, ttlSeconds: 0, namespace: "" };
  manager.tokens.set(token, account);

  const secrets: string[] = [];
  let refusals = 0;
  const rotate = (): void => {
    secrets.push(`rotated-${secrets.length}-${randomUUID()}`);
    manager.secrets.set("kv/tickets", [{ token: secrets.at(-1) }]);
    // Later than the next is due, for a timer may be late: a manager does not give what has expired.
    const until = new Date(Date.now() + 1_800).toISOString();
    if (isExpiring) manager.deletions.set("kv/tickets", until);
  };
  rotate();
  const upstream = createServer((request, response) => {
    const taken = secrets.slice(-2).map((secret) => `Bearer ${secret}`);
    const isTaken = taken.includes(request.headers.authorization ?? "");
    if (!isTaken) refusals += 1;
    response.writeHead(isTaken ? 200 : 401, { "content-type": "application/json" }).end("{}");
  });
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");

  const tickets = defineService({
    name: "tickets",
    baseUrl: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
    credential: bearer(),
    scopes: { read: ["GET /tickets/:ticketId"] },
    network: "private",
  });
  const sink = memorySink();
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
  const auth = {
    method: "token",
    token: { name: "test:token", read: async () => secretValue("test:token", token) },
  } as const;
  await using broker = createBroker({
    issuers: {
      "urn:i": { jwks: minting("urn:none").jwks(), agents: ["a"], policy: "allow-all" },
    },
    services: [tickets],
    secrets: { tickets: vault({ address: manager.url, auth, path: "kv/tickets", field: "token" }) },
    audit: sink,
    port: 0,
  });
  const { url } = await broker.listen();
  const keys = minting(url);

  const statuses: Record<number, number> = {};
  let done = 0;
  const ask = async (): Promise<void> => {
    const headers = { authorization: `Bearer ${keys.mint("tickets:read").token}` };
    const status = await fetch(`${url}/tickets/tickets/1`, { headers }).then(
      async (response) => {
        await response.arrayBuffer();
        return response.status;
      },
      () => 0,
    );
    statuses[status] = (statuses[status] ?? 0) + 1;
    done += 1;
  };
  const rotating = setInterval(rotate, 1_000);
  const asking: Promise<void>[] = [];
  const startMs = performance.now();
  for (;;) {
    const passedMs = performance.now() - startMs;
    if (passedMs >= seconds * 1_000) break;
    // As many as are due by now, of which a machine that is busy elsewhere makes bursts; but no more at a
    // time than clients have connections, or it would be the length of the queue that is tested.
    while (asking.length < (passedMs / 1_000) * perSecond && asking.length - done < MOST_AT_ONCE) {
      asking.push(ask());
    }
    await setTimeout(10);
  }
  await Promise.all(asking);
  clearInterval(rotating);
  upstream.closeAllConnections();
  upstream.close();
  const reads = manager.asked.filter(({ url: asked }) => asked.pathname.includes("/kv/")).length;
  const record = JSON.stringify(sink.events);
  return { sent: asking.length, statuses, refusals, reads, record, secrets };
}
