import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { type LoopbackBroker, loopbackBroker, recorder } from "../../test/loopback-broker.ts";
import { type AgentKeys, type AgentKeysOptions, createAgentKeys, memorySink } from "../index.ts";

const ISS = "urn:bot";
const UNREACHED = { code: "store_unavailable", retryable: true };
let broker: LoopbackBroker;
let keys: AgentKeys;
let deaf = false;
let room = Infinity;
let sink = memorySink();

async function start(options: Partial<AgentKeysOptions> = {}): Promise<void> {
  deaf = false;
  room = Infinity;
  sink = memorySink();
  broker = await loopbackBroker({
    deaf: () => deaf,
    full: () => broker.store.keys.revocations().length >= room,
  });
  keys = createAgentKeys({
    agent: "bot",
    policy: "allow-all",
    issuer: ISS,
    audit: sink,
    broker: broker.origin,
    ...options,
  });
  broker.trust(keys, ISS);
}

const noticeRequests = (): number =>
  broker.seen.filter(({ url }) => url === "/.agent-keys/notices").length;

afterEach(async () => {
  await broker[Symbol.asyncDispose]();
});

describe("a key that closes", () => {
  test("is told of unasked, soon, and refused from then on", async () => {
    await start();
    const key = keys.mint("github:repos.read", { expiresIn: 60 });
    const token = key.token;
    const closedMs = performance.now();
    key.close();
    await broker.noticesReach(1);
    expect(performance.now() - closedMs).toBeLessThan(1_000);
    expect(broker.notices[0]?.closed).toEqual([
      { id: key.id, exp: key.expiresAt.getTime() / 1000 },
    ]);
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${broker.origin}/github/x`, { headers });
    expect(response.headers.get("agent-keys-code")).toBe("key_closed");
    expect(broker.admitted).toEqual([]);
  });

  test("is told of with the others, a thousand in a notice, each once", async () => {
    await start();
    const minted = Array.from({ length: 1_500 }, () => keys.mint("github:repos.read"));
    for (const key of minted) key.close();
    await keys.flush();
    const told = broker.notices.flatMap(({ closed = [] }) => closed.map(({ id }) => id));
    expect(broker.notices.map(({ closed }) => closed?.length)).toEqual([1_000, 500]);
    expect(new Set(told)).toEqual(new Set(minted.map(({ id }) => id)));
    await keys.flush();
    expect(noticeRequests()).toBe(2);
  });

  test("is told of when the broker is back, and the call did not wait for it", async () => {
    await start();
    deaf = true;
    expect(await keys.withAgentKey("github:repos.read", () => "done")).toBe("done");
    await keys.flush();
    expect(broker.notices).toEqual([]);
    deaf = false;
    await broker.noticesReach(1);
    expect(broker.notices[0]?.closed).toHaveLength(1);
  });

  test("is not told of any more when it has expired", async () => {
    let ms = Date.now();
    await start({ now: () => ms });
    keys.mint("github:repos.read", { expiresIn: 1 }).close();
    ms += 4_000;
    await keys.flush();
    expect(noticeRequests()).toBe(0);
  });

  test("changes nothing when nobody listens, and what was done stays done", async () => {
    await start();
    await broker[Symbol.asyncDispose]();
    expect(await keys.withAgentKey("github:repos.read", () => "done")).toBe("done");
    await keys.flush();
    expect(sink.events.at(-1)).toMatchObject({ type: "key.closed", outcome: "ok" });
  });
});

describe("a revocation", () => {
  test("stands at the broker when it resolves, and so does its end", async () => {
    await start();
    const key = keys.mint("github:repos.read");
    const ask = async (): Promise<number> => (await key.fetch(`${broker.origin}/github/x`)).status;
    await keys.revoke({ agent: "bot" }, { reason: "odd", by: "ops" });
    expect(await ask()).toBe(401);
    const act = { selector: { agent: "bot" }, reason: "odd", by: "ops" };
    expect(broker.notices[0]?.revoked).toEqual([act]);
    expect(await keys.restore({ agent: "bot" })).toBe(true);
    expect(await ask()).toBe(200);
    expect(await keys.restore({ agent: "bot" })).toBe(false);
    expect(broker.notices).toHaveLength(3);
  });

  test("rejects when it cannot be told, stands here, and is told as soon as it can be", async () => {
    await start();
    deaf = true;
    await expect(keys.revoke({ agent: "bot" })).rejects.toMatchObject(UNREACHED);
    expect(() => keys.mint("github:repos.read")).toThrow(
      expect.objectContaining({ code: "key_revoked" }),
    );
    await expect(keys.flush()).rejects.toMatchObject(UNREACHED);
    deaf = false;
    await broker.noticesReach(1);
    expect(broker.notices[0]?.revoked).toMatchObject([{ selector: { agent: "bot" } }]);
    await keys.flush();
  });

  test("and all behind it reject, and arrive in their order", async () => {
    await start();
    deaf = true;
    const acts = [
      keys.revoke({ user: "ada" }),
      keys.restore({ user: "ada" }),
      keys.revoke({ user: "bob" }),
      keys.restore({ user: "eve" }),
      keys.revoke({ user: "eve" }),
    ];
    const ends = await Promise.allSettled(acts);
    expect(ends.map(({ status }) => status)).toEqual(Array(5).fill("rejected"));
    deaf = false;
    await keys.flush();
    const standing = broker.store.keys.revocations().map(({ selector }) => selector);
    // What could not be restored stands.
    expect(standing).toEqual([{ user: "ada" }, { user: "bob" }, { user: "eve" }]);
    for (const { revoked, restored } of broker.notices) {
      expect(revoked === undefined || restored === undefined).toBe(true);
    }
  });

  test("that there is no room for waits behind what makes room, and is not told after it was lifted", async () => {
    await start();
    room = 1;
    await keys.revoke({ user: "ada" });
    for (const user of ["bob", "eve"]) {
      await expect(keys.revoke({ user })).rejects.toMatchObject({ code: "store_unavailable" });
    }
    expect(await keys.restore({ user: "bob" })).toBe(true);
    expect(await keys.restore({ user: "ada" })).toBe(true);
    const standing = () => broker.store.keys.revocations().map(({ selector }) => selector);
    await expect.poll(standing, { timeout: 5_000 }).toEqual([{ user: "eve" }]);
    await keys.flush();
    expect(standing()).toEqual([{ user: "eve" }]);
  });

  test("that there is no room for is told later, where it could not be lifted either", async () => {
    await start();
    room = 0;
    await expect(keys.revoke({ user: "bob" })).rejects.toMatchObject({ code: "store_unavailable" });
    deaf = true;
    await expect(keys.restore({ user: "bob" })).rejects.toMatchObject(UNREACHED);
    deaf = false;
    room = Infinity;
    await keys.flush();
    expect(broker.store.keys.revocations()).toMatchObject([{ selector: { user: "bob" } }]);
    expect(broker.notices.map(({ restored }) => restored)).toEqual([undefined]);
  });

  test("reaches a new broker behind a connection that the old one left dead", async () => {
    await start();
    await keys.revoke({ user: "ada" });
    const { server, origin } = broker;
    server.closeAllConnections();
    server.close();
    const again = createServer((request, response) => server.emit("request", request, response));
    await new Promise<void>((resolve) => {
      again.listen(Number(new URL(origin).port), "127.0.0.1", resolve);
    });
    await keys.revoke({ user: "bob" });
    expect(broker.notices.map(({ revoked }) => revoked?.length)).toEqual([1, 1]);
    again.closeAllConnections();
    again.close();
  });

  test("of another issuer's keys is nothing that is told", async () => {
    await start();
    await expect(keys.revoke({ issuer: "urn:other" })).rejects.toThrow(TypeError);
    expect(noticeRequests()).toBe(0);
  });
});

describe("the end of a revocation", () => {
  test("that could not be told is told never: what another revoked since stands", async () => {
    await start();
    const other = createAgentKeys({
      agent: "bot",
      policy: "allow-all",
      issuer: ISS,
      audit: memorySink(),
      broker: broker.origin,
    });
    await keys.revoke({ user: "ada" }, { reason: "odd", by: "ops" });
    deaf = true;
    await expect(keys.restore({ user: "ada" })).rejects.toMatchObject(UNREACHED);
    deaf = false;
    broker.trust(other, ISS);
    await other.revoke({ user: "ada" });
    broker.trust(keys, ISS);
    // Nothing is left to tell.
    await keys.flush();
    await keys.revoke({ user: "bob" });
    const standing = broker.store.keys.revocations().map(({ selector }) => selector);
    expect(standing).toEqual([{ user: "ada" }, { user: "bob" }]);
    expect(broker.notices.some(({ restored }) => restored !== undefined)).toBe(false);
    await keys.restore({ user: "ada" });
    expect(broker.store.keys.revocations()).toHaveLength(1);
  });

  test("that could not be told is undone here, on record too", async () => {
    await start();
    const ada = keys.for({ user: "ada" });
    await keys.revoke({ user: "ada" }, { reason: "odd", by: "ops" });
    deaf = true;
    await expect(keys.restore({ user: "ada" }, { by: "eve" })).rejects.toMatchObject(UNREACHED);
    expect(() => ada.mint("github:repos.read")).toThrow(
      expect.objectContaining({ code: "key_revoked" }),
    );
    const ofKeys = sink.events.filter(({ type }) => /^key\.(revoked|restored)$/.test(type));
    expect(ofKeys).toMatchObject([
      { type: "key.revoked", reason: "odd", by: "ops" },
      { type: "key.restored", by: "eve" },
      { type: "key.revoked", reason: "odd", by: "eve" },
    ]);
    // What never stood does not stand now.
    await expect(keys.restore({ user: "bob" })).rejects.toMatchObject(UNREACHED);
    keys.for({ user: "bob" }).mint("github:repos.read");
  });
});

describe("a notice", () => {
  test("works once: whoever listened in cannot send it again", async () => {
    await start();
    await keys.revoke({ agent: "bot" });
    await keys.restore({ agent: "bot" });
    const [revoking] = broker.seen;
    const again = await fetch(`${broker.origin}/.agent-keys/notices`, {
      method: "POST",
      body: revoking?.body ?? "",
    });
    expect(again.status).toBe(401);
    expect(broker.store.keys.revocations()).toEqual([]);
  });

  test("of an issuer that the broker does not know has no effect", async () => {
    await start();
    const stranger = createAgentKeys({
      agent: "bot",
      policy: "allow-all",
      issuer: "urn:stranger",
      audit: sink,
      broker: broker.origin,
    });
    await expect(stranger.revoke({ all: true })).rejects.toMatchObject({
      code: "store_unavailable",
    });
    const posing = createAgentKeys({
      agent: "bot",
      policy: "allow-all",
      issuer: ISS,
      audit: sink,
      broker: broker.origin,
    });
    await expect(posing.revoke({ all: true })).rejects.toMatchObject({ code: "store_unavailable" });
    expect(broker.notices).toEqual([]);
    expect(broker.store.keys.revocations()).toEqual([]);
  });

  test("is not sent on by a redirect", async () => {
    await start();
    await using other = await recorder((_, response) => response.end("{}"));
    await using sends = await recorder((_, response) =>
      response.writeHead(307, { location: other.origin }).end(),
    );
    const lost = createAgentKeys({
      agent: "bot",
      policy: "allow-all",
      audit: sink,
      broker: sends.origin,
    });
    await expect(lost.revoke({ all: true })).rejects.toMatchObject({ code: "store_unavailable" });
    expect(other.seen).toEqual([]);
    await lost.flush().catch(() => undefined);
  });

  test("is signed by the key that signs now", async () => {
    await start();
    const kid = keys.rotate();
    await keys.revoke({ user: "ada" });
    const { notice } = JSON.parse(broker.seen[0]?.body ?? "") as { notice: string };
    const header = Buffer.from(notice.split(".")[0] ?? "", "base64url").toString();
    expect(JSON.parse(header)).toMatchObject({ kid, typ: "agent-key-notice+jwt" });
  });
});

describe("a program that ends by itself", () => {
  /** Runs one, which says how long after its last line it ended. */
  async function run(body: string, environment: Record<string, string> = {}): Promise<number> {
    const source = new URL("../index.ts", import.meta.url).href;
    const program = `
      import { createAgentKeys } from ${JSON.stringify(source)};
      const options = { agent: "a", policy: "allow-all", audit: () => {} };
      ${body}
      const endedMs = performance.now();
      process.on("exit", () => console.log(performance.now() - endedMs));
    `;
    const args = ["--conditions=@agent-keys/source", "--input-type=module", "-e", program];
    const env = { ...process.env, ...environment };
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 10_000, env });
    return Number(stdout);
  }

  test("has told of its keys, without a flush", async () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
    await start({ signingKey: pem });
    const environment = {
      AGENT_KEYS_BROKER: broker.origin,
      AGENT_KEYS_SIGNING_KEY: pem,
    };
    const keysOf = `const keys = createAgentKeys({ ...options, issuer: "${ISS}" });`;
    await run(`${keysOf} await keys.withAgentKey("github:repos.read", () => {});`, environment);
    expect(broker.notices.map(({ closed }) => closed?.length)).toEqual([1]);
    // More than one notice has room for.
    const many = `for (let i = 0; i < 1200; i += 1) keys.mint("github:repos.read").close();`;
    await run(`${keysOf} ${many}`, environment);
    expect(broker.notices.map(({ closed }) => closed?.length)).toEqual([1, 1_000, 200]);
  });

  const twice = (broker: string): string => `
    const keys = createAgentKeys({ ...options, broker: ${JSON.stringify(broker)} });
    await keys.withAgentKey("github:repos.read", () => {});
  `;

  test("ends although nobody can be told, at once when the broker is gone", async () => {
    await start();
    expect(await run(twice("http://127.0.0.1:9"))).toBeLessThan(1_000);
    expect(await run(`${twice("http://127.0.0.1:9")}; await keys.flush();`)).toBeLessThan(1_000);
  });

  test("and is not kept for long by one that never answers", async () => {
    await start();
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    try {
      expect(await run(twice(url))).toBeLessThan(1_500);
      // Also when it is being told already.
      const wait = `await new Promise((resolve) => setTimeout(resolve, 300));`;
      expect(await run(`${twice(url)} ${wait}`)).toBeLessThan(1_500);
    } finally {
      silent.close();
    }
  });

  test("has one listener however many keys there are", async () => {
    await start();
    const listeners = (): number =>
      process.listeners("beforeExit").filter(({ name }) => name === "callAll").length;
    const instances = Array.from({ length: 20 }, () => {
      const one = createAgentKeys({
        agent: "bot",
        policy: "allow-all",
        issuer: ISS,
        audit: sink,
        broker: broker.origin,
      });
      one.mint("github:repos.read").close();
      return one;
    });
    expect(listeners()).toBe(1);
    for (const one of instances) {
      broker.trust(one, ISS);
      await one.flush();
    }
    expect(broker.notices).toHaveLength(20);
  });
});
