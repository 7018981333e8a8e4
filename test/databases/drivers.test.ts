import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { bigint, pgTable, text } from "drizzle-orm/pg-core";
import { requireKey } from "@agent-keys/core";
import { Client, Pool } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { scriptedAgents } from "../broker/scripted-agents.ts";
import { postgresMissing } from "../servers/postgres.ts";
import { eventually, openAgent, type OrdersServer, startOrders } from "./orders-db.ts";

const table = pgTable("orders", { id: bigint({ mode: "number" }), status: text() });
const GRANT = { scope: "orders-db:tables.read", where: { schema: "public", table: "orders" } };

/** A tool's body, with each driver: what is allowed comes back, what is not the server refuses. */
const tools = {
  async pg(status: string): Promise<string> {
    const { url } = await requireKey().connection("orders-db");
    const client = new Client({ connectionString: url });
    await client.connect();
    const { rowCount } = await client.query("SELECT id FROM orders WHERE status = $1", [status]);
    const refused = await client.query("DELETE FROM orders").catch(codeOf);
    await client.end();
    return `${rowCount} ${JSON.stringify(refused)}`;
  },
  async drizzle(status: string): Promise<string> {
    const { url } = await requireKey().connection("orders-db");
    const pool = new Pool({ connectionString: url });
    // Its idle sessions are ended with the key, perhaps before it has.
    pool.on("error", () => undefined);
    const database = drizzle({ client: pool });
    const rows = await database.select().from(table).where(eq(table.status, status));
    const refused = await database.delete(table).catch(codeOf);
    await pool.end();
    return `${rows.length} ${JSON.stringify(refused)}`;
  },
};

function codeOf(error: unknown): unknown {
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown };
  return code ?? codeOf(cause);
}

describe.skipIf(postgresMissing !== undefined)(`PostgreSQL ${postgresMissing ?? ""}`, () => {
  let orders: OrdersServer;
  beforeAll(async () => {
    orders = await startOrders();
  });
  afterAll(() => orders[Symbol.asyncDispose]());

  describe.each(scriptedAgents)("a wrapped tool of %s", (_framework, run) => {
    test.each(Object.entries(tools))("reads with %s, and no more", async (_driver, body) => {
      await using agent = await openAgent(orders);
      const results: string[] = [];
      const tool = async (status: string): Promise<string> => {
        const result = await body(status);
        results.push(result);
        return result;
      };
      await run(agent.keys, GRANT, tool, ["open", "closed"]);
      expect(results).toEqual(['2 "42501"', '0 "42501"']);
      expect(await eventually(async () => (await orders.roles()).length === 0)).toBe(true);
    });
  });
});
