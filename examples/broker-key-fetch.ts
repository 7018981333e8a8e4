// A tool that calls an API with a credential which its process does not have. This file is both: the agent,
// and, started by it as a second process, the broker that holds the credential.
import { fork } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { bearer, createBroker, defineService } from "@agent-keys/broker";
import { type AgentKeys, createAgentKeys, keyFetch, memorySink } from "@agent-keys/core";
import { env } from "@agent-keys/secrets";

const ISSUER = "https://agents.example";
const AGENT = "repo-bot";
const policy = { [AGENT]: { allow: [{ scope: "repos:read", where: { owner: "acme" } }] } };

type PublicKeys = ReturnType<AgentKeys["jwks"]>;

/** The broker's process: the credential, the agent's public key, and policy once more. */
async function broker(api: string, jwks: PublicKeys): Promise<string> {
  const repos = defineService({
    name: "repos",
    baseUrl: api,
    credential: bearer(),
    scopes: { read: ["GET /repos/:owner/:repo"] },
    network: "private", // the API below is on loopback
  });
  const serving = createBroker({
    issuers: { [ISSUER]: { jwks, agents: [AGENT], policy } },
    services: [repos],
    secrets: { repos: env("REPOS_TOKEN") },
    audit: memorySink(), // yours: fileSink("broker.audit.jsonl")
    port: 0,
  });
  process.once("disconnect", () => void serving.close());
  return (await serving.listen()).url;
}

/** The agent's process. */
async function agent(): Promise<void> {
  const api = createServer((request, response) => {
    const known = request.headers.authorization === "Bearer real-credential";
    response.writeHead(known ? 200 : 401).end(known ? `this is ${request.url}` : "who are you?");
  });
  await once(api.listen(0, "127.0.0.1"), "listening");
  const apiUrl = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;

  const { privateKey } = generateKeyPairSync("ed25519");
  const minting = { agent: AGENT, policy, issuer: ISSUER, signingKey: privateKey };
  const audit = memorySink();
  const jwks = createAgentKeys({ ...minting, audit }).jwks();
  // With the command: `npx agent-keys init`, then `npx agent-keys broker`.
  const child = fork(import.meta.filename, [apiUrl, JSON.stringify(jwks)], {
    env: { ...process.env, REPOS_TOKEN: "real-credential" },
  });
  const [url] = (await once(child, "message")) as [string];

  const keys = createAgentKeys({ ...minting, audit, broker: url });
  const read = async (path: string): Promise<void> => {
    const response = await keyFetch(`${apiUrl}${path}`); // the API's own address
    const code = response.headers.get("agent-keys-code");
    console.log(path, response.status, code ?? (await response.text()));
  };
  await keys.withAgentKey("repos:read", async () => {
    console.log("credential in this process:", process.env["REPOS_TOKEN"] ?? "none");
    await read("/repos/acme/site");
    await read("/repos/other/site");
    await read("/repos/acme/site/secrets");
  });

  const stolen = await keys.withAgentKey("repos:read", (token) => token);
  await keys.flush(); // tells the broker now that the call has ended
  const headers = { authorization: `Bearer ${stolen}` };
  const late = await fetch(`${url}/repos/repos/acme/site`, { headers });
  console.log("a key from a log, afterwards:", late.status, late.headers.get("agent-keys-code"));

  child.disconnect();
  api.close();
}

const [, , api, jwks] = process.argv;
if (api === undefined || jwks === undefined) await agent();
else process.send?.(await broker(api, JSON.parse(jwks) as PublicKeys));
