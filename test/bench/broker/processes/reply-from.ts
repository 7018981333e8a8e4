// @fastify/reply-from, with bodies passed on as they come.
import replyFrom from "@fastify/reply-from";
import fastify from "fastify";
import type { AddressInfo } from "node:net";
import { answer } from "./answer.ts";

answer({
  async open({ upstream }: { readonly upstream: string }) {
    const server = fastify({ keepAliveTimeout: 600_000 });
    server.removeAllContentTypeParsers();
    server.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
    await server.register(replyFrom, {
      base: upstream,
      undici: { connections: null, pipelining: 1 },
    });
    server.all("/*", (request, reply) => reply.from(request.url));
    await server.listen({ port: 0, host: "127.0.0.1" });
    return (server.server.address() as AddressInfo).port;
  },
});
