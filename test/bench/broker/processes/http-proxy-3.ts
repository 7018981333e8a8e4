// http-proxy-3, with connections to the upstream kept alive.
import { once } from "node:events";
import { Agent, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import httpProxy from "http-proxy-3";
import { answer } from "./answer.ts";

answer({
  async open({ upstream }: { readonly upstream: string }) {
    const agent = new Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: 4096 });
    const proxy = httpProxy.createProxyServer({ target: upstream, agent });
    proxy.on("error", (_error, _request, response) => response.destroy());
    const server = createServer((request, response) => proxy.web(request, response));
    server.keepAliveTimeout = 600_000;
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  },
});
