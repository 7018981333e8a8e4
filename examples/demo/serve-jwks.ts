import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { AgentKeys } from "@agent-keys/core";

/** Serves the public keys that others verify tokens with. Ends with the process. */
export async function serveJwks(keys: () => AgentKeys): Promise<string> {
  const server = createServer((_request, response) => response.end(JSON.stringify(keys().jwks())));
  server.listen(0, "127.0.0.1").unref();
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
}
