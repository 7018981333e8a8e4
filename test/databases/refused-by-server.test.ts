import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { postgresMissing } from "../servers/postgres.ts";
import {
  ADMIN_PASSWORD,
  eventually,
  HOSTILE,
  logIn,
  openAgent,
  type OrdersServer,
  said,
  startOrders,
} from "./orders-db.ts";

const DENIED = "42501";
const READ = { scope: "orders-db:tables.read", where: { schema: "public", table: "orders" } };

describe.skipIf(postgresMissing !== undefined)(`PostgreSQL ${postgresMissing ?? ""}`, () => {
  let orders: OrdersServer;
  beforeAll(async () => {
    orders = await startOrders(["log_statement=all", "log_min_duration_statement=0"]);
  });
  afterAll(() => orders[Symbol.asyncDispose]());

  test("refuses by itself whatever the grant does not allow", async () => {
    await using agent = await openAgent(orders);
    const where = { ...READ.where, column: { in: ["id", "status"] } };
    const key = agent.mint({ ...READ, where });
    const { url, user } = await key.connection("orders-db");
    const client = await logIn(url);
    expect((await client.query("SELECT id, status FROM orders")).rowCount).toBe(2);
    for (const statement of [
      "SELECT note FROM orders",
      "SELECT secret FROM orders",
      "SELECT * FROM orders",
      "SELECT id FROM customers",
      "SELECT id FROM unlisted",
      "SELECT id FROM billing.invoices",
      "INSERT INTO orders (status) VALUES ('x')",
      "UPDATE orders SET status = 'x'",
      "DELETE FROM orders",
      "TRUNCATE orders",
      "CREATE TABLE mine (id int)",
      "CREATE TEMP TABLE mine (id int)",
      "CREATE SCHEMA mine",
      "CREATE TABLE billing.mine (id int)",
      "DROP TABLE orders",
      "ALTER TABLE orders ADD mine int",
      "CREATE ROLE mine",
      "CREATE DATABASE mine",
      "SET ROLE key_admin",
      `ALTER ROLE "${user}" VALID UNTIL 'infinity'`,
      `ALTER ROLE "${user}" CONNECTION LIMIT 1000`,
      "GRANT SELECT ON orders TO PUBLIC",
      "SELECT rolpassword FROM pg_authid",
      "SELECT passwd FROM pg_shadow",
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
      "SELECT pg_read_file('/etc/passwd')",
      "COPY orders (id) TO PROGRAM 'true'",
      "DO $$ BEGIN LOCK TABLE orders IN ACCESS EXCLUSIVE MODE; END $$",
    ]) {
      expect([statement, await said(client, statement)]).toEqual([statement, DENIED]);
    }
    await expect(logIn(url.replace(/\/orders$/, "/postgres"))).rejects.toMatchObject({
      code: DENIED,
    });
    await client.end();
  });

  test("lets each action do its own and no other", async () => {
    await using agent = await openAgent(orders);
    const { where } = READ;
    const own = {
      read: "SELECT id FROM orders",
      insert: "INSERT INTO orders (status, note) VALUES ('new', 'n')",
      update: "UPDATE orders SET status = 'changed'",
      delete: "DELETE FROM orders",
    };
    for (const action of ["read", "insert", "update", "delete"] as const) {
      const { url } = await agent
        .mint({ scope: `orders-db:tables.${action}`, where })
        .connection("orders-db");
      const client = await logIn(url);
      for (const [other, statement] of Object.entries(own)) {
        await client.query("BEGIN");
        expect([action, other, await said(client, statement)]).toEqual([
          action,
          other,
          action === other ? "ok" : DENIED,
        ]);
        await client.query("ROLLBACK");
      }
      await client.end();
    }
  });

  test("quotes every name, whatever is in it", async () => {
    await using agent = await openAgent(orders);
    const where = { schema: "public", table: HOSTILE };
    const key = agent.mint({ scope: "orders-db:tables.read", where });
    const client = await logIn((await key.connection("orders-db")).url);
    const format = "SELECT format('SELECT %I FROM %I', $1::text, $1::text) AS text";
    const { rows } = await client.query<{ text: string }>(format, [HOSTILE]);
    expect(await said(client, rows[0]?.text ?? "")).toBe("ok");
    expect(await said(client, "SELECT id FROM orders")).toBe(DENIED);
    await client.end();
  });

  test("ends the role with the key: its sessions, and its login", async () => {
    await using agent = await openAgent(orders);
    const key = agent.mint(READ);
    const { url } = await key.connection("orders-db");
    const client = await logIn(url);
    const ended = new Promise((resolve) => client.once("end", resolve));
    const inTransaction = await logIn(url);
    await inTransaction.query("BEGIN");
    await inTransaction.query("SELECT lo_create(0)");
    await inTransaction.query("COMMIT; BEGIN; SELECT id FROM orders");
    const slow = said(await logIn(url), "SELECT pg_sleep(60)");
    key.close();
    await ended;
    expect(await slow).toBe("57P01");
    expect(await eventually(async () => (await orders.roles()).length === 0)).toBe(true);
    await expect(logIn(url)).rejects.toMatchObject({ code: "28P01" });
    await expect(key.connection("orders-db")).rejects.toMatchObject({ code: "key_closed" });
  });

  test("ends it when the key expires, and when it is revoked", async () => {
    await using agent = await openAgent(orders);
    const short = agent.keys.mint({ ...READ, expiresIn: "1s" });
    const long = agent.mint({ ...READ, expiresIn: "5m" });
    const expiring = await logIn((await short.connection("orders-db")).url);
    const { user, url } = await long.connection("orders-db");
    const { rows } = await orders.owner.query<{ until: Date }>(
      "SELECT rolvaliduntil AS until FROM pg_roles WHERE rolname = $1",
      [user],
    );
    expect(rows[0]?.until).toEqual(long.expiresAt);
    await new Promise((resolve) => expiring.once("end", resolve));
    expect(await eventually(async () => (await orders.roles()).join() === user)).toBe(true);
    await agent.keys.revoke({ id: long.id }, { reason: "test" });
    expect(await eventually(async () => (await orders.roles()).length === 0)).toBe(true);
    await expect(logIn(url)).rejects.toMatchObject({ code: "28P01" });
  });

  test("takes no login after VALID UNTIL, also where nobody dropped the role", async () => {
    await using agent = await openAgent(orders);
    const { url, user } = await agent.mint(READ).connection("orders-db");
    await orders.owner.query(`ALTER ROLE "${user}" VALID UNTIL '2020-01-01'`);
    await expect(logIn(url)).rejects.toMatchObject({ code: "28P01" });
  });

  test("has the password in no log, event or printed form", async () => {
    await using agent = await openAgent(orders);
    const key = agent.mint(READ);
    const connection = await key.connection("orders-db");
    const client = await logIn(connection.url);
    await client.query("SELECT id FROM orders");
    await client.end();
    key.close();
    expect(await eventually(async () => (await orders.roles()).length === 0)).toBe(true);
    expect(
      await eventually(async () => agent.record.events.at(-1)?.type === "request.completed"),
    ).toBe(true);
    const printed = inspect(connection, { depth: 9 }) + JSON.stringify({ connection });
    const shown = `${printed}${String(connection)}${orders.server.process.output}${JSON.stringify(agent.record.events)}`;
    expect(shown).toContain("CREATE ROLE");
    expect(shown).not.toContain(connection.password);
    expect(shown).not.toContain(ADMIN_PASSWORD);
    const events = agent.record.events.filter(({ type }) => type.startsWith("request."));
    const route = { service: "orders-db", method: "CONNECT", route: READ.scope, keyId: key.id };
    expect(events).toMatchObject([
      { type: "request.allowed", ...route },
      { type: "request.completed", ...route, status: 200 },
    ]);
  });
});
