import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Connect, redisStore } from "@agent-keys/stores/redis";
import { afterAll, describe, expect, test } from "vitest";
import { freePort } from "../servers/free-port.ts";
import { isSaid } from "../servers/is-said.ts";
import { redisMissing, startRedis } from "../servers/redis.ts";
import { asked, codeOf, stateOf, useOf } from "./asked.ts";
import { ownAuthority } from "./own-authority.ts";
import { connecting } from "./redis-at.ts";
import { until } from "./until.ts";

const REVOKED = { selector: { agent: "bot" }, iss: "urn:desk", atMs: 1 } as const;

/** As the README has it. */
function documentedAcl(): readonly string[] {
  const readme = new URL("../../packages/stores/README.md", import.meta.url);
  const [, block = ""] = /```text\n(ACL SETUSER[^`]*)```/.exec(readFileSync(readme, "utf8")) ?? [];
  return block.split(/\s+/).filter((word) => word !== "");
}

describe.skipIf(isSaid(redisMissing))("who may reach it, and how", () => {
  const directory = mkdtempSync(join(tmpdir(), "agent-keys-tls-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test("a user that has the documented rights and no other can do all of it", async () => {
    await using server = await startRedis();
    expect(await server.command(...documentedAcl())).toContain("OK");
    await server.command("ACL", "SETUSER", "default", "off");
    const url = `redis://agent-keys@127.0.0.1:${server.port}`;
    const refused = await redisStore({ url, password: "wrong" }).catch((error: unknown) => error);
    expect(codeOf(refused)).toBe("store_unavailable");
    expect(String((refused as Error).cause)).toContain("WRONGPASS");

    await using store = await redisStore({ url, password: "secret" });
    await using other = await redisStore({ url, password: "secret" });
    const uses = useOf("a", 2);
    const all = [
      uses,
      { kind: "window", id: "w", limit: 3, windowMs: 60_000 },
      { kind: "intent", id: "i", expiresAtMs: Date.now() + 60_000 },
    ] as const;
    for (const how of ["commit", "release"] as const) {
      const reserved = await store.uses.reserve(all);
      if (typeof reserved === "string" || "refusal" in reserved) throw new Error("refused");
      expect(await other.uses.reserve(all)).toBe("unknown");
      await reserved[how]();
    }
    expect(await other.uses.peek(all)).toBe("available");
    await store.keys.revoke(REVOKED);
    await store.keys.revoke({ ...REVOKED, selector: { id: "key-2" } });
    store.keys.close({ iss: "urn:desk", id: "key-3", expiresAtMs: Date.now() + 60_000 });
    const cat = { agents: ["cat"] };
    await until("the other hears of all", () =>
      [{}, { ...cat, ids: ["key-2"] }, { ...cat, ids: ["key-3"] }]
        .map((facts) => stateOf(other, facts))
        .join()
        .startsWith("revoked,revoked,closed"),
    );
    expect(await other.keys.restore({ agent: "bot" }, "urn:desk")).toBe(1);
    await until("and so does the first", () => stateOf(store) === "live");
  });

  test.each(["+evalsha +eval", "+xread", "+info", "+sadd", "~{agent-keys}:*"])(
    "without %s it is refused, and nothing passes",
    async (right) => {
      await using server = await startRedis();
      const words = documentedAcl().filter((word) => !right.split(" ").includes(word));
      expect(await server.command(...words)).toContain("OK");
      const url = `redis://agent-keys:secret@127.0.0.1:${server.port}`;
      const spend = async (): Promise<string> => {
        await using store = await redisStore({ url });
        // Before the store is closed.
        return await asked(store, useOf("a"));
      };
      expect(await spend().catch(codeOf)).toBe("store_unavailable");
    },
  );

  test("TLS with an authority of one's own, and with no other", async () => {
    const { ca, caFile, certFile, keyFile } = ownAuthority(directory);
    const port = await freePort();
    const files = ["--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-ca-cert-file"];
    const tls = ["--tls-port", `${port}`, ...files, caFile, "--tls-auth-clients", "no"];
    await using _server = await startRedis(tls);
    const url = `rediss://localhost:${port}`;
    await using store = await redisStore({ url, tls: { ca } });
    expect(await asked(store, useOf("a"))).toBe("reserved");
    expect(stateOf(store)).toBe("live");
    const strangers = await redisStore({ url }).catch((error: unknown) => error);
    expect(codeOf(strangers)).toBe("store_unavailable");
    const misnamed = { url: `rediss://127.0.0.1:${port}`, tls: { ca } };
    expect(codeOf(await redisStore(misnamed).catch((error: unknown) => error))).toBe(
      "store_unavailable",
    );
  });

  test("a cluster of three: all keys lie in one slot, and the node that has it is found", async () => {
    await using a = await startRedis(["--cluster-enabled", "yes"]);
    await using b = await startRedis(["--cluster-enabled", "yes"]);
    await using c = await startRedis(["--cluster-enabled", "yes"]);
    const nodes = [a, b, c];
    const ends = [0, 5_461, 10_923, 16_384];
    for (const [index, node] of nodes.entries()) {
      const slots = ["ADDSLOTSRANGE", `${ends[index]}`, `${(ends[index + 1] ?? 0) - 1}`];
      expect(await node.command("CLUSTER", ...slots)).toContain("OK");
      await a.command("CLUSTER", "MEET", "127.0.0.1", `${node.port}`);
    }
    for (const node of nodes) {
      await until("the cluster is whole", async () =>
        (await node.command("CLUSTER", "INFO")).includes("cluster_state:ok"),
      );
    }
    const seen = new Set<string>();
    const connect: Connect = connecting(async (words, send) => {
      for (const word of words) if (word.startsWith("{agent-keys}:")) seen.add(word);
      return send(words);
    });
    for (const node of nodes) {
      await using store = await redisStore({ url: node.url, connect });
      expect(await asked(store, useOf(node.url))).toBe("reserved");
      await store.keys.revoke({ ...REVOKED, selector: { txn: node.url } });
      expect(stateOf(store)).toBe("live");
      expect(stateOf(store, { txn: a.url })).toBe("revoked");
    }
    expect(seen.size).toBeGreaterThan(6);
    const slots = await Promise.all([...seen].map((key) => a.command("CLUSTER", "KEYSLOT", key)));
    expect(new Set(slots).size).toBe(1);
  });
});
