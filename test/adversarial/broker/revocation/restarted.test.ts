import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ask } from "../ask.ts";
import { AGENT, ISSUER, openIssuer } from "../issuer.ts";
import { type Opening, startBroker } from "../started-broker.ts";
import { openUpstream } from "../upstream.ts";

const directory = mkdtempSync(join(tmpdir(), "agent-keys-restarted-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** Holds this thread, so that it hears nothing of what happens meanwhile. */
function hold(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

test("a revocation right after a broker's restart arrives, though its connection is dead", async () => {
  await using upstream = await openUpstream();
  const issuer = openIssuer();
  const opening: Opening = {
    issuer: ISSUER,
    agent: AGENT,
    jwks: issuer.jwks,
    upstream: upstream.url,
    secret: "the-credential",
    port: 0,
    audit: join(directory, "audit.jsonl"),
    revocationsFile: join(directory, "revocations.jsonl"),
  };
  const [first, second] = [await startBroker(), await startBroker()];
  const url = await first.open(opening);
  const keys = issuer.keysAt(url);
  const codeFor = async (user: string): Promise<string | undefined> => {
    const { token } = keys.for({ user }).mint({ scope: "tickets:read", expiresIn: "5m" });
    return (await ask(`${url}/tickets/tickets/1`, token)).code;
  };
  // Over a connection that is kept for the next.
  await keys.revoke({ txn: "earlier" });
  const eve = keys.for({ user: "eve" }).mint({ scope: "tickets:read", expiresIn: "5m" });
  expect((await ask(`${url}/tickets/tickets/1`, eve.token)).code).toBeUndefined();
  process.kill(first.pid, "SIGKILL");
  hold(300);
  const opened = second.open({ ...opening, port: Number(new URL(url).port) });
  hold(1_500);
  // The broker is there, and this process has not heard yet that the connection is not.
  const told = await keys.revoke({ user: "eve" }).then(
    () => "told",
    (error: unknown) => (error as { readonly code?: unknown }).code,
  );
  expect(["told", "store_unavailable"]).toContain(told);
  expect(await opened).toBe(url);
  const codeOfEve = async (): Promise<string | undefined> =>
    (await ask(`${url}/tickets/tickets/1`, eve.token)).code;
  await expect.poll(codeOfEve, { timeout: 5_000 }).toBe("key_revoked");
  expect(await codeFor("ada")).toBeUndefined();
  await second.close();
}, 60_000);
