import { expect, test } from "vitest";
import {
  type AgentKeyError,
  type AgentKeys,
  type AgentKeysOptions,
  createAgentKeys,
  type GrantInput,
  keyFetch,
  memorySink,
} from "@agent-keys/core";
import { AGENT, ISSUER, openUpstream, SCOPES, SECRET, secretOf, setup } from "../test/setup.ts";
import { bearer } from "./service/credential.ts";
import { defineService } from "./service/define-service.ts";

const audit = memorySink();

const issue = (options: Partial<AgentKeysOptions>): AgentKeys =>
  createAgentKeys({ agent: AGENT, policy: "allow-all", issuer: ISSUER, audit, ...options });

/** What a tool body does, which knows its client and nothing of a broker. */
async function toolRun(keys: AgentKeys, api: string, grants: GrantInput): Promise<unknown> {
  return await keys.withAgentKey(grants, async () => {
    const headers = { authorization: "Bearer the-caller's", "content-type": "application/json" };
    const written = await keyFetch(`${api}/tickets`, {
      method: "POST",
      headers,
      body: JSON.stringify({ title: "t", queue: "q" }),
    });
    const read = await keyFetch(`${api}/tickets/7`, { headers });
    return [written.status, read.status, await read.json()];
  });
}

const GRANTS = [{ scope: "tickets:write", where: { queue: "q" } }, "tickets:read"];

test("a tool's requests reach the service through a broker with the secret, and end with its key", async () => {
  await using broker = await setup();
  const { privateKey: signingKey, upstream, url } = broker;
  const keys = issue({ signingKey, broker: url });
  expect(await toolRun(keys, upstream.url, GRANTS)).toEqual([200, 200, { ok: true }]);
  expect(upstream.seen.map(({ method, url: path }) => `${method} ${path}`)).toEqual([
    "POST /tickets",
    "GET /tickets/7",
  ]);
  for (const { headers } of upstream.seen) expect(headers.authorization).toBe(`Bearer ${SECRET}`);
  expect(upstream.seen[0]?.body).toBe('{"title":"t","queue":"q"}');

  const key = keys.mint("tickets:read", { expiresIn: 60 });
  const { token } = key;
  key.close();
  await keys.flush();
  const leaked = await broker.ask("/tickets/tickets/7", { key: token });
  expect([leaked.status, leaked.headers.get("agent-keys-code")]).toEqual([401, "key_closed"]);

  await keys.revoke({ agent: AGENT }, { reason: "odd" });
  expect(broker.of("key.revoked")).toMatchObject([{ iss: ISSUER, reason: "odd", by: AGENT }]);
  expect(await keys.restore({ agent: AGENT })).toBe(true);
  expect(await toolRun(keys, upstream.url, GRANTS)).toEqual([200, 200, { ok: true }]);
});

test("what its grant does not allow is a response that says why, and nothing reaches the service", async () => {
  await using broker = await setup();
  const { privateKey: signingKey, upstream, url } = broker;
  const key = issue({ signingKey, broker: url }).mint({
    scope: "tickets:write",
    where: { queue: "q" },
  });
  const body = JSON.stringify({ title: "t", queue: "other" });
  const headers = { "content-type": "application/json" };
  const refused = await key.fetch(`${upstream.url}/tickets`, { method: "POST", headers, body });
  expect([refused.status, refused.headers.get("agent-keys-code")]).toEqual([
    403,
    "constraint_failed",
  ]);
  expect(upstream.seen).toEqual([]);
});

test("the same tool in process: the same decisions, with the secret in this process", async () => {
  await using upstream = await openUpstream();
  const tickets = defineService({
    name: "tickets",
    baseUrl: upstream.url,
    credential: bearer(),
    scopes: SCOPES,
    network: "private",
  });
  await using keys = issue({ services: [tickets], secrets: { tickets: secretOf(SECRET) } });
  expect(await toolRun(keys, upstream.url, GRANTS)).toEqual([200, 200, { ok: true }]);
  for (const { headers } of upstream.seen) expect(headers.authorization).toBe(`Bearer ${SECRET}`);
  const types = audit.events.map(({ type }) => type);
  expect(types.filter((type) => type === "request.completed")).toHaveLength(2);

  const key = keys.mint("tickets:read");
  const refused = await key.fetch(`${upstream.url}/tickets/7`, { method: "DELETE" });
  expect([refused.status, refused.headers.get("agent-keys-code")]).toEqual([
    403,
    "insufficient_scope",
  ]);
  expect(upstream.seen).toHaveLength(2);
});

test("why a good key is not believed is told to the developer, by error and by a failed revocation", async () => {
  await using broker = await setup();
  const { privateKey: signingKey, upstream, url } = broker;
  const said = async (options: Partial<AgentKeysOptions>): Promise<readonly string[]> => {
    const keys = issue({ broker: url, signingKey, ...options });
    const asking = keys.withAgentKey("tickets:read", () => keyFetch(`${upstream.url}/tickets/7`));
    const attempts: readonly Promise<unknown>[] = [asking, keys.revoke({ user: "u" })];
    return await Promise.all(
      attempts.map((attempt) =>
        attempt.then(
          () => "resolved",
          (error: AgentKeyError) => `${error.code} ${(error.cause as Error).message}`,
        ),
      ),
    );
  };
  const elsewhere = url.replace("127.0.0.1", "localhost");
  const called = `the broker at ${elsewhere} answered 401 token_invalid: it is called ${url}, and what is sent to it is for ${elsewhere}; set AGENT_KEYS_BROKER (or broker) to ${url}, or the broker's own url`;
  expect(await said({ broker: elsewhere })).toEqual([
    `token_invalid ${called}`,
    `store_unavailable ${called}`,
  ]);
  const stranger = `the broker at ${url} answered 401 token_invalid: it does not know the issuer "urn:stranger", or not the key that signs for it; the broker's record says which check refused`;
  expect(await said({ issuer: "urn:stranger" })).toEqual([
    `token_invalid ${stranger}`,
    `store_unavailable ${stranger}`,
  ]);
  expect(await said({ signingKey: undefined })).toEqual([
    expect.stringContaining(`it does not know the issuer "${ISSUER}"`),
    expect.stringContaining(`it does not know the issuer "${ISSUER}"`),
  ]);
  expect(await said({ agent: "other-bot" })).toEqual([
    `policy_denied the broker at ${url} answered 403 policy_denied: its agents for the issuer "${ISSUER}" do not name this one`,
    "resolved",
  ]);
  expect(upstream.seen).toEqual([]);
});
