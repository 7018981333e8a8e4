import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type { AgentKeys } from "@agent-keys/core";

/** The tickets service, in its own process. */
export interface Tickets {
  readonly url: string;
  /** Ends it, and says which requests it had: method, path, status, and the code of a refusal. */
  stop(): Promise<readonly string[]>;
}

/** Starts the service, and serves it the public keys it verifies tokens with. */
export async function startTickets(
  keys: AgentKeys,
  { issuer, audience }: { issuer: string; audience: string },
): Promise<Tickets> {
  const jwks = createServer((_request, response) => response.end(JSON.stringify(keys.jwks())));
  jwks.listen(0, "127.0.0.1").unref();
  await once(jwks, "listening");
  const jwksUrl = `http://127.0.0.1:${(jwks.address() as AddressInfo).port}/jwks.json`;

  const service = fork(
    fileURLToPath(new URL("tickets-service.ts", import.meta.url)),
    [jwksUrl, issuer, audience],
    { execArgv: [...process.execArgv, "--disable-warning=ExperimentalWarning"] },
  );
  const served: string[] = [];
  const url = await new Promise<string>((resolve, reject) => {
    service.on("message", (message: { url?: string; served?: string }) => {
      if (message.url !== undefined) resolve(message.url);
      if (message.served !== undefined) served.push(message.served);
    });
    service.once("exit", (code) => reject(new Error(`the tickets service ended: ${code}`)));
  });
  return {
    url,
    async stop() {
      const exited = once(service, "exit");
      service.disconnect();
      await exited;
      return served;
    },
  };
}
