import { bearer, createBroker, defineService } from "@agent-keys/broker";
import { type AgentKeys, type AuditEvent, memorySink } from "@agent-keys/core";
import { freePort } from "../../servers/free-port.ts";
import { AGENT, type Issuer, ISSUER, openIssuer } from "./issuer.ts";

type BrokerOptions = Parameters<typeof createBroker>[0];

/** A broker in this process, in front of one upstream. */
export interface InFront extends AsyncDisposable {
  readonly url: string;
  /** Where it listens, whatever its URL says. */
  readonly port: number;
  readonly issuer: Issuer;
  /** They do not speak to the broker. */
  readonly keys: AgentKeys;
  readonly events: readonly AuditEvent[];
}

/** Opens one, with what a test changes. */
export async function openInFront(
  upstream: string,
  options: Partial<BrokerOptions> = {},
  issuer: Issuer = openIssuer(),
): Promise<InFront> {
  const sink = memorySink();
  const port = options.port ?? (await freePort());
  const broker = createBroker({
    issuers: { [ISSUER]: { jwks: issuer.jwks, agents: [AGENT, "helper"], policy: "allow-all" } },
    services: [
      defineService({
        name: "tickets",
        baseUrl: upstream,
        credential: bearer(),
        scopes: { read: ["GET /tickets/:ticketId"] },
        network: "private",
      }),
    ],
    secrets: { tickets: { name: "test", read: async () => ({ value: "the-credential" }) } },
    port,
    audit: sink,
    ...options,
  });
  const { url } = await broker.listen();
  return {
    url,
    port,
    issuer,
    keys: issuer.keysFor(url),
    events: sink.events,
    [Symbol.asyncDispose]: () => broker.close(),
  };
}
