// An HTTP API that accepts agent keys itself: it needs the issuer's public keys, and nothing secret.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import {
  AgentKeyError,
  createAgentKeys,
  memorySink,
  memoryStore,
  verifyKey,
} from "@agent-keys/core";
import { serve } from "@hono/node-server";
import { Hono } from "hono";

// The agent's side: who mints.
const keys = createAgentKeys({
  agent: "repo-bot",
  policy: { "repo-bot": { allow: [{ scope: "repos:read", where: { owner: "acme" } }] } },
  issuer: "https://agents.example",
  audience: "https://repos.example",
  audit: memorySink(),
});

// The API's side. With the issuer elsewhere, `jwks` is the URL where it serves `keys.jwks()`.
const trusted = {
  jwks: keys.jwks(),
  issuer: "https://agents.example",
  audience: "https://repos.example",
  store: memoryStore(), // counts uses
};
const api = new Hono();
api.get("/repos/:owner/:name", async (c) => {
  const { owner, name } = c.req.param();
  const token = c.req.header("authorization")?.replace(/^Bearer /, "");
  const request = { scope: "repos:read", values: { owner, name } };
  const key = await verifyKey(token, { ...trusted, request, consume: true });
  return c.text(`${owner}/${name}, for ${key.agent}`);
});
api.onError((error, c) => {
  if (!(error instanceof AgentKeyError)) return c.json({ code: "internal" }, 500);
  const { code, message, retryable } = error;
  const forbidden = code === "insufficient_scope" || code === "constraint_failed";
  return c.json({ code, message }, retryable ? 503 : forbidden ? 403 : 401);
});
const server = serve({ fetch: api.fetch, hostname: "127.0.0.1", port: 0 });
await once(server, "listening");
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

// The calls. The policy made this a key for acme, although nobody asked for that.
await keys.withAgentKey({ scope: "repos:read", uses: 2 }, async (token) => {
  const headers = { authorization: `Bearer ${token}` };
  for (const path of [
    "/repos/acme/site",
    "/repos/other/site",
    "/repos/acme/docs",
    "/repos/acme/x",
  ]) {
    const response = await fetch(url + path, { headers });
    console.log(path, response.status, await response.text());
  }
});
console.log("no key", (await fetch(`${url}/repos/acme/site`)).status);
server.close();
