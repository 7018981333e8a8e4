import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { postgresMissing } from "../servers/postgres.ts";
import { eventually, logIn, openAgent, type OrdersServer, startOrders } from "./orders-db.ts";

const READ = { scope: "orders-db:tables.read", where: { schema: "public", table: "orders" } };
/** The class of the brokers' advisory locks. */
const LOCK_CLASS = 0x61_6b_65_79;

describe.skipIf(postgresMissing !== undefined)(`PostgreSQL ${postgresMissing ?? ""}`, () => {
  let orders: OrdersServer;
  beforeAll(async () => {
    orders = await startOrders();
  });
  afterAll(() => orders[Symbol.asyncDispose]());

  test("two brokers make roles on the same tables at the same time", async () => {
    await using one = await openAgent(orders);
    await using two = await openAgent(orders);
    const users = await Promise.all(
      [one, two].flatMap((agent) =>
        Array.from({ length: 40 }, async () => {
          const key = agent.mint({ ...READ, expiresIn: "5m" });
          const { user } = await key.connection("orders-db");
          key.close();
          return user;
        }),
      ),
    );
    expect(new Set(users).size).toBe(80);
    expect(await eventually(async () => (await orders.roles()).length === 0, 20_000)).toBe(true);
  });

  test("a role that takes the brokers' locks holds nobody up, and keeps no role", async () => {
    await using agent = await openAgent(orders);
    const hostile = agent.mint({ ...READ, expiresIn: "5m" });
    const { url, user } = await hostile.connection("orders-db");
    const client = await logIn(url);
    await client.query("SELECT pg_advisory_lock($1, 0), pg_advisory_lock($1, 1)", [LOCK_CLASS]);
    const life = "$100000001";
    const ofNobody = user.replace(/^(agent_key_[0-9a-f]{8}_)[0-9a-f]{8}/, life);
    await orders.owner.query(
      `CREATE ROLE ${ofNobody} VALID UNTIL '2100-01-01'; GRANT ${ofNobody} TO key_admin`,
    );
    await using other = await openAgent(orders);
    await other.mint(READ).connection("orders-db");
    expect(await eventually(async () => !(await orders.roles()).includes(ofNobody))).toBe(true);
    hostile.close();
    expect(await eventually(async () => !(await orders.roles()).includes(user))).toBe(true);
  });
});
