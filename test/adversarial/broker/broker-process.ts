/**
 * A broker in a process of its own, in front of one upstream on loopback. It loads first, and opens when
 * it is told to, so that a test that kills it often can have the next one at hand.
 */
import { rmSync } from "node:fs";
import { writeHeapSnapshot } from "node:v8";
import { bearer, createBroker, defineService } from "@agent-keys/broker";
import { fileSink } from "@agent-keys/core";
import { openStore } from "../../stores/store-at.ts";
import type { Asked, Opening, Told } from "./started-broker.ts";

const tell = (told: Told): void => {
  process.send?.(told);
};

let broker: ReturnType<typeof createBroker> | undefined;

async function open(opening: Opening): Promise<void> {
  const tickets = defineService({
    name: "tickets",
    baseUrl: opening.upstream,
    credential: bearer(),
    scopes: {
      read: ["GET /tickets/:ticketId", "GET /tickets"],
      write: [{ route: "POST /tickets", json: { title: "string" } }],
    },
    network: "private",
  });
  const { secret, port, audit, revocationsFile, limits } = opening;
  const services = opening.vendors === true ? await vendors(opening.upstream) : [tickets];
  const source = { name: "test", read: async () => ({ value: secret }) };
  broker = createBroker({
    issuers: {
      [opening.issuer]: { jwks: opening.jwks, agents: [opening.agent], policy: "allow-all" },
    },
    services,
    secrets: Object.fromEntries(services.map(({ name }) => [name, source])),
    port,
    audit: fileSink(audit),
    revocationsFile,
    limits,
    url: opening.publicUrl,
    store: opening.store && (await openStore(opening.store)),
  });
  tell({ what: "open", url: (await broker.listen()).url });
}

/** Real ones, with the upstream for their vendor. */
async function vendors(upstream: string) {
  const { defineGithub, defineOpenai } = await import("@agent-keys/broker/services");
  return [
    defineGithub({ baseUrl: upstream, network: "private" }),
    defineOpenai({ baseUrl: `${upstream}/v1`, network: "private" }),
  ];
}

async function answer(asked: Asked): Promise<void> {
  switch (asked.ask) {
    case "open":
      return await open(asked.opening);
    case "heap":
      writeHeapSnapshot(asked.path);
      return tell({ what: "heap" });
    case "memory":
      // Twice: what the first one finalises, the second takes.
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 50));
      globalThis.gc?.();
      return tell({ what: "memory", ...process.memoryUsage() });
    case "close":
      await broker?.close();
      if (asked.remove !== undefined) rmSync(asked.remove, { force: true });
      process.disconnect();
  }
}

process.on("message", (asked: Asked) => void answer(asked));
// It ends with the test, however that one ends.
process.on("disconnect", () => process.exit());
tell({ what: "loaded" });
