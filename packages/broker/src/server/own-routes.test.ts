import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createAgentKeys, memorySink } from "@agent-keys/core";
import { expect, test } from "vitest";
import { AGENT, ISSUER, setup } from "../../test/setup.ts";

async function sendHalf(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).on("error", () => undefined);
  await once(socket, "connect");
  socket.write("POST /.agent-keys/notices HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
  return socket;
}

test("strangers who begin notices and say no more keep no revocation out, and make room one by one", async () => {
  await using s = await setup();
  const keys = createAgentKeys({
    agent: AGENT,
    policy: "allow-all",
    signingKey: s.privateKey,
    issuer: ISSUER,
    broker: s.url,
    audit: memorySink(),
  });
  const { token } = keys.mint("tickets:read");
  const answers: string[] = [];
  const pushedOut = async (): Promise<void> => {
    const socket = await sendHalf(s.url);
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    await once(socket, "close");
    answers.push(Buffer.concat(chunks).toString("latin1"));
  };
  const held = Array.from({ length: 272 }, pushedOut);
  await expect.poll(() => answers.length).toBeGreaterThanOrEqual(16);
  for (const answer of answers.slice(0, 16)) {
    // What an agent's queue takes for "no room" would be another code.
    expect(answer).toMatch(/^HTTP\/1\.1 503 [^]*agent-keys-code: store_unavailable/);
  }
  await keys.revoke({ agent: AGENT });
  const refused = await s.ask("/tickets/tickets/1", { key: token });
  expect(refused.headers.get("agent-keys-code")).toBe("key_revoked");
  expect(s.upstream.seen).toEqual([]);
  // The rest of them have a second.
  const startedMs = performance.now();
  await Promise.all(held);
  expect(performance.now() - startedMs).toBeLessThan(3_000);
  expect(answers.filter((answer) => answer.startsWith("HTTP/1.1 408")).length).toBeGreaterThan(200);
});
