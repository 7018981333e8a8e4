// Node, Bun and Deno: `<runtime> main.ts`. The audit and what the program says go to stdout.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { jsonSink } from "@agent-keys/core";
import { runProgram } from "./program.ts";

// Not awaited here: this is bundled as CommonJS too, which has no top-level await.
void main();

async function main(): Promise<void> {
  let served = "";
  const server = createServer((_request, response) => {
    response.setHeader("content-type", "application/json").end(served);
  });
  const said = await runProgram({
    audit: jsonSink(),
    async publish(jwks) {
      served = JSON.stringify(jwks);
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
    },
  });
  for (const line of said) console.log(line);
  server.close();
  server.closeAllConnections();
}
