// An agent in a web route, for whoever is signed in: every key, and every line of the audit, says
// for which user and in which request it was.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { wrapTools } from "@agent-keys/ai-sdk";
import { type AgentKeys, createAgentKeys, memorySink, requireKey } from "@agent-keys/core";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { serve } from "@hono/node-server";
import { stepCountIs, streamText, tool } from "ai";
import { Hono } from "hono";
import * as z from "zod";
import { openModel } from "./demo/model.ts";

const keys = createAgentKeys({
  agent: "mail-bot",
  policy: { "mail-bot": { allow: [{ scope: "mail:read" }] } },
  audit: memorySink(),
});

const countMail = tool({
  description: "Counts the user's unread mail",
  inputSchema: z.object({}),
  // The user comes from the key, which the model cannot choose.
  execute: () => `${requireKey().user} has 3 unread mails.`,
});
const toolsOf = (keys: AgentKeys) =>
  wrapTools({ countMail }, { keys, scopes: { countMail: "mail:read" } });

await using model = await openModel({
  "unread mail": [{ countMail: {} }, (results) => results.join(" ")],
});
const provider = createOpenAICompatible({
  name: "openai",
  baseURL: model.baseURL,
  apiKey: model.apiKey,
});

const sessions = new Map([
  ["cookie-of-ada", "ada"],
  ["cookie-of-bob", "bob"],
]);
const app = new Hono();
app.post("/chat", async (c) => {
  const user = sessions.get(c.req.header("cookie") ?? "");
  if (user === undefined) return c.text("Sign in first.", 401);
  // The same keys, for this user and this request.
  const tools = toolsOf(keys.for({ user, txn: crypto.randomUUID() }));
  const prompt = await c.req.text();
  return streamText({
    model: provider(model.name),
    tools,
    prompt,
    stopWhen: stepCountIs(5),
  }).toTextStreamResponse();
});

const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
await once(server, "listening");
const { port } = server.address() as AddressInfo;
const ask = async (cookie: string): Promise<string> => {
  const body = "Have I unread mail?";
  const options = { method: "POST", headers: { cookie }, body };
  return (await fetch(`http://127.0.0.1:${port}/chat`, options)).text();
};
console.log(await Promise.all(["cookie-of-ada", "cookie-of-bob", "no cookie"].map(ask)));
server.close();

for (const event of await keys.logs()) {
  if (event.type === "key.minted") console.log(event.user, event.tool?.name, event.scopes);
}
