import type { GrantInput } from "@agent-keys/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { postgresMissing } from "../servers/postgres.ts";
import {
  type AgentOptions,
  codeOf,
  eventually,
  logIn,
  openAgent,
  type OrdersServer,
  said,
  startOrders,
} from "./orders-db.ts";

const READ = { scope: "orders-db:tables.read", where: { schema: "public", table: "orders" } };

describe.skipIf(postgresMissing !== undefined)(`PostgreSQL ${postgresMissing ?? ""}`, () => {
  let orders: OrdersServer;
  beforeAll(async () => {
    orders = await startOrders();
  });
  afterAll(() => orders[Symbol.asyncDispose]());

  /** The code of the refusal; no role was made for it. */
  async function refusal(grants: GrantInput, options: AgentOptions = {}): Promise<unknown> {
    await using agent = await openAgent(orders, options);
    const asked = agent.mint(grants).connection("orders-db");
    const code = await asked.then(() => "given", codeOf);
    expect(await orders.roles()).toEqual([]);
    expect(agent.record.events.some(({ type }) => type === "request.completed")).toBe(
      agent.record.events.some(({ type }) => type === "request.allowed"),
    );
    return code;
  }

  test.each([
    ["another service", "board:write", "insufficient_scope"],
    ["another action", "orders-db:tables.drop", "insufficient_scope"],
    ["a table that is not listed", { ...READ, where: { table: "unlisted" } }, "constraint_failed"],
    ["rows", { ...READ, where: { ...READ.where, id: 7 } }, "constraint_failed"],
    [
      "rows, if they are named",
      { ...READ, where: { ...READ.where, id: { in: [7], optional: true } } },
      "constraint_failed",
    ],
    [
      "columns of whole rows",
      { scope: "orders-db:tables.delete", where: { ...READ.where, column: "id" } },
      "constraint_failed",
    ],
    ["nothing but what it names", { ...READ, only: true }, "constraint_failed"],
  ] as const)("a grant for %s gives no role", async (_what, grant, code) => {
    expect(await refusal(grant as GrantInput)).toBe(code);
  });

  test("the broker's policy is the ceiling", async () => {
    const customers = { ...READ, where: { schema: "public", table: "customers" } };
    expect(await refusal(READ, { policy: { bot: { allow: [customers] } } })).toBe("policy_denied");
    const policy = { bot: { allow: [{ ...READ, where: { ...READ.where, column: "id" } }] } };
    await using agent = await openAgent(orders, { policy });
    const client = await logIn(
      (await agent.mint("orders-db:tables.read").connection("orders-db")).url,
    );
    expect(await said(client, "SELECT id FROM orders")).toBe("ok");
    expect(await said(client, "SELECT status FROM orders")).toBe("42501");
    expect(await said(client, "SELECT id FROM customers")).toBe("42501");
    await client.end();
  });

  test("a policy about a table's name that is misspelt is an error at once", async () => {
    for (const allow of [
      [{ scope: "orders-db:tables.write" }],
      [{ scope: "orders-db:tables.read", where: { tabel: "orders" } }],
      [{ scope: "orders-db:tables.delete", where: { column: "id" } }],
    ]) {
      await expect(openAgent(orders, { policy: { bot: { allow } } })).rejects.toThrow(TypeError);
    }
  });

  test.each([
    ["GRANT SELECT ON customers TO PUBLIC", "REVOKE SELECT ON customers FROM PUBLIC"],
    ["GRANT SELECT (id) ON customers TO PUBLIC", "REVOKE SELECT (id) ON customers FROM PUBLIC"],
    ["GRANT CREATE ON SCHEMA public TO PUBLIC", "REVOKE CREATE ON SCHEMA public FROM PUBLIC"],
    [
      "GRANT CONNECT ON DATABASE postgres TO PUBLIC",
      "REVOKE CONNECT ON DATABASE postgres FROM PUBLIC",
    ],
    ["GRANT TEMP ON DATABASE orders TO PUBLIC", "REVOKE TEMP ON DATABASE orders FROM PUBLIC"],
    [
      "CREATE FUNCTION all_of() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM orders'",
      "DROP FUNCTION all_of()",
    ],
    ["ALTER TABLE orders ALTER status TYPE varchar", "ALTER TABLE orders ALTER status TYPE text"],
    ["ALTER TABLE orders RENAME note TO notes", "ALTER TABLE orders RENAME notes TO note"],
  ])("a database where roles would be wider than grants gives none: %s", async (wider, back) => {
    await orders.owner.query(wider);
    try {
      expect(await refusal(READ)).toBe("upstream_unavailable");
    } finally {
      await orders.owner.query(back);
    }
  });

  test("a use is a role, and one that could not be made is given back", async () => {
    await using agent = await openAgent(orders);
    const key = agent.mint({ ...READ, uses: 1 });
    await orders.owner.query("GRANT SELECT ON customers TO PUBLIC");
    await expect(key.connection("orders-db")).rejects.toMatchObject({
      code: "upstream_unavailable",
    });
    await orders.owner.query("REVOKE SELECT ON customers FROM PUBLIC");
    await key.connection("orders-db");
    await expect(key.connection("orders-db")).rejects.toMatchObject({ code: "key_used_up" });
    expect(await orders.roles()).toHaveLength(1);
  });

  test("an issuer has so many roles at a time, and again as many once they are gone", async () => {
    await using agent = await openAgent(orders, { database: { rolesOfIssuer: 3 } });
    const key = agent.mint(READ);
    const asked = await Promise.allSettled(
      Array.from({ length: 10 }, () => key.connection("orders-db")),
    );
    expect(asked.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
    const codes = asked.flatMap((one) => (one.status === "rejected" ? [codeOf(one.reason)] : []));
    expect(new Set(codes)).toEqual(new Set(["limit_exceeded"]));
    expect(await orders.roles()).toHaveLength(3);
    key.close();
    expect(await eventually(async () => (await orders.roles()).length === 0)).toBe(true);
    await agent.mint(READ).connection("orders-db");
  });

  test("what cannot be put on record gives no role", async () => {
    const audit = ({ type }: { readonly type: string }): void => {
      if (type === "request.allowed") throw new Error("disk full");
    };
    await using agent = await openAgent(orders, { broker: { audit } });
    await expect(agent.mint(READ).connection("orders-db")).rejects.toMatchObject({
      code: "audit_unavailable",
    });
    expect(await orders.roles()).toEqual([]);
  });

  test("a broker that stops leaves no role, and none of the admin's sessions", async () => {
    const agent = await openAgent(orders);
    const { url } = await agent.mint(READ).connection("orders-db");
    const client = await logIn(url);
    const ended = new Promise((resolve) => client.once("end", resolve));
    await agent.broker.close();
    await ended;
    expect(await orders.roles()).toEqual([]);
    const sessions = "SELECT FROM pg_stat_activity WHERE usename = 'key_admin'";
    expect(await eventually(async () => (await orders.owner.query(sessions)).rowCount === 0)).toBe(
      true,
    );
  });
});
