// The broker, as a user would start it: a policy, constraints, a file audit.
import { fileSink } from "@agent-keys/core";
import { bearer, createBroker, defineService } from "@agent-keys/broker";
import type { BrokerSetup } from "../contestants.ts";
import { AGENT, ISSUER, SERVICE } from "../workload.ts";
import { answer } from "./answer.ts";

answer({
  async open({ upstream, jwks, path }: BrokerSetup) {
    const desk = defineService({
      name: SERVICE,
      baseUrl: upstream,
      network: "private",
      credential: bearer(),
      scopes: {
        "issues.read": ["GET /repos/:owner/:repo/issues/:number{int}?labels&page{int}"],
        "messages.write": [
          { route: "POST /messages", json: { channel: "string", text: "string" } },
        ],
        "files.read": ["GET /files/:owner/:name", "GET /events/:owner", "GET /held/:owner"],
      },
    });
    const broker = createBroker({
      issuers: {
        [ISSUER]: {
          jwks,
          agents: [AGENT],
          policy: {
            [AGENT]: {
              allow: [
                { scope: "desk:issues.*", where: { owner: "acme" } },
                { scope: "desk:messages.write", where: { channel: { in: ["C123", "C456"] } } },
                { scope: "desk:files.read", where: { owner: "acme" } },
              ],
            },
          },
        },
      },
      services: [desk],
      secrets: {
        [SERVICE]: { name: "bench", read: async () => ({ value: "desk_live_c4n4ryZy0PwQ3LkS8v" }) },
      },
      port: 0,
      audit: fileSink(path),
    });
    return (await broker.listen()).url;
  },
  /** What is left after a collection, in MiB. */
  memory() {
    globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    return { rss: rss / 2 ** 20, heap: heapUsed / 2 ** 20 };
  },
});
