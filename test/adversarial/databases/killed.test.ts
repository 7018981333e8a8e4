import { generateKeyPairSync } from "node:crypto";
import { fileURLToPath } from "node:url";
import { type AgentKey, createAgentKeys, memorySink } from "@agent-keys/core";
import { describe, expect, test } from "vitest";
import { eventually, ISSUER, logIn, openAgent, startOrders } from "../../databases/orders-db.ts";
import { freePort } from "../../servers/free-port.ts";
import { type OwnProcess, startProcess, until } from "../../servers/own-process.ts";
import { postgresMissing } from "../../servers/postgres.ts";
import { seeded } from "../seeded.ts";

const ROUNDS = 24;
const LANES = 6;
const READ = { scope: "orders-db:tables.read", where: { schema: "public", table: "orders" } };
const PROGRAM = fileURLToPath(new URL("./broker-process.ts", import.meta.url));

describe.skipIf(postgresMissing !== undefined)(`PostgreSQL ${postgresMissing ?? ""}`, () => {
  test(`${ROUNDS} kills at any moment leave no role behind, once there is a broker again`, async () => {
    const random = seeded("roles and kills", 6_001);
    await using orders = await startOrders();
    const port = await freePort();
    const { privateKey: signingKey } = generateKeyPairSync("ed25519");
    const keys = createAgentKeys({
      agent: "bot",
      policy: "allow-all",
      signingKey,
      issuer: ISSUER,
      broker: `http://127.0.0.1:${port}`,
      audit: memorySink(),
    });
    const env = {
      ...process.env,
      ADMIN_URL: orders.adminUrl,
      JWKS: JSON.stringify(keys.jwks()),
      PORT: `${port}`,
    };
    const start = async (): Promise<OwnProcess> => {
      const broker = startProcess(process.execPath, [PROGRAM], { env });
      await until(() => broker.output.includes("http://"), broker);
      return broker;
    };
    let made = 0;
    let [left, between] = [0, 0];
    /** Roles that come and go until the broker is gone; some of them in use. */
    const lane = async (signal: AbortSignal): Promise<void> => {
      for (let at = 0; !signal.aborted; at += 1) {
        const key: AgentKey = keys.mint({ ...READ, expiresIn: "15m" });
        try {
          const { url } = await key.connection("orders-db");
          made += 1;
          if (at % 3 === 0) await (await logIn(url)).query("BEGIN; SELECT id FROM orders");
        } catch {
          between += 1;
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        key.close();
      }
    };
    for (let round = 0; round < ROUNDS; round += 1) {
      const broker = await start();
      // What the last one left is gone, though its keys would live for a quarter of an hour.
      expect([
        round,
        await eventually(async () => (await orders.roles()).length === 0, 20_000),
      ]).toEqual([round, true]);
      const stop = new AbortController();
      const before = made;
      const lanes = Array.from({ length: LANES }, () => lane(stop.signal));
      await until(() => made > before, broker);
      await new Promise((resolve) => setTimeout(resolve, random.below(300)));
      await broker.kill("SIGKILL");
      stop.abort();
      await Promise.all(lanes);
      if ((await orders.roles()).length > 0) left += 1;
    }
    console.log(`${made} roles, ${left} of ${ROUNDS} kills left some, ${between} were not given`);
    // Or no kill came while there was anything to leave.
    expect(left).toBeGreaterThan(ROUNDS / 2);
    expect(made).toBeGreaterThan(ROUNDS * 2);
    const last = await start();
    expect(await eventually(async () => (await orders.roles()).length === 0, 20_000)).toBe(true);
    const sessions = "SELECT FROM pg_stat_activity WHERE starts_with(usename, 'agent_key_')";
    expect((await orders.owner.query(sessions)).rowCount).toBe(0);
    await last.kill("SIGTERM");
    await keys.flush();
  });

  test("a broker leaves the roles of another that lives alone, and takes those of one that does not", async () => {
    await using orders = await startOrders();
    await using one = await openAgent(orders);
    const { user, url } = await one.mint({ ...READ, expiresIn: "5m" }).connection("orders-db");
    await using two = await openAgent(orders);
    await two.mint(READ).connection("orders-db");
    const ofNobody = user.replace(/^(agent_key_[0-9a-f]{8}_)[0-9a-f]{8}/, "$100000001");
    await orders.owner.query(`CREATE ROLE ${ofNobody}; GRANT ${ofNobody} TO key_admin`);
    await orders.owner.query("CREATE ROLE agent_key_of_somebody");
    await using three = await openAgent(orders);
    expect(await eventually(async () => !(await orders.roles()).includes(ofNobody))).toBe(true);
    expect(await orders.roles()).toContain(user);
    expect(await orders.roles()).toContain("agent_key_of_somebody");
    const client = await logIn(url);
    expect((await client.query("SELECT id FROM orders")).rowCount).toBe(2);
    await client.end();
    expect(three.url).not.toBe(one.url);
  });

  test("a database that crashes gives up its roles once it is back", async () => {
    await using orders = await startOrders();
    await using agent = await openAgent(orders);
    const key = agent.mint({ ...READ, expiresIn: "5m" });
    await key.connection("orders-db");
    orders.owner.on("error", () => undefined);
    await orders.server.crash();
    key.close();
    await agent.keys.flush();
    const other = agent.mint(READ);
    await expect(other.connection("orders-db")).rejects.toMatchObject({
      code: "upstream_unavailable",
    });
    await orders.server.start();
    const watcher = await logIn(orders.server.url);
    const roles = "SELECT FROM pg_roles WHERE starts_with(rolname, 'agent_key_')";
    expect((await watcher.query(roles)).rowCount).toBe(1);
    expect(await eventually(async () => (await watcher.query(roles)).rowCount === 0, 25_000)).toBe(
      true,
    );
    await agent.mint({ ...READ, expiresIn: "5m" }).connection("orders-db");
    await watcher.end();
  });
});
