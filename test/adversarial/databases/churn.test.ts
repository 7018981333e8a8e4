import { describe, expect, test } from "vitest";
import { eventually, logIn, openAgent, startOrders } from "../../databases/orders-db.ts";
import { postgresMissing } from "../../servers/postgres.ts";
import { seeded } from "../seeded.ts";

const ROLES = 2_000;
const LANES = 24;
const WHERE = { schema: "public", table: "orders" };

describe.skipIf(postgresMissing !== undefined)(`PostgreSQL ${postgresMissing ?? ""}`, () => {
  test(`${ROLES} roles come and go, ${LANES} at a time, and nothing of them stays`, async () => {
    const random = seeded("roles that come and go", 6_002);
    await using orders = await startOrders();
    await using agent = await openAgent(orders, { database: { rolesOfIssuer: 150 } });
    const names = new Set<string>();
    let begun = 0;
    const lane = async (): Promise<void> => {
      while (begun < ROLES) {
        begun += 1;
        const action = random.pick(["read", "insert", "update", "delete"]);
        const key = agent.mint({
          scope: `orders-db:tables.${action}`,
          where: WHERE,
          expiresIn: "10m",
        });
        const connection = await key.connection("orders-db");
        names.add(connection.user);
        // One that is in the middle of something when its key closes.
        if (random.chance(0.2)) await (await logIn(connection.url)).query("BEGIN; SELECT 1");
        key.close();
        // As fast as the roles are gone, and no faster.
        await eventually(async () => agent.record.events.length > 0 && living() < 100, 60_000);
      }
    };
    const count = (type: string): number =>
      agent.record.events.filter((event) => event.type === type).length;
    const living = (): number => count("request.allowed") - count("request.completed");
    await Promise.all(Array.from({ length: LANES }, lane));
    expect(await eventually(async () => (await orders.roles()).length === 0, 60_000)).toBe(true);
    expect(names.size).toBe(ROLES);
    expect(await eventually(async () => living() === 0)).toBe(true);
    expect(count("request.completed")).toBe(ROLES);
    for (const trace of [
      "SELECT FROM pg_attribute WHERE attacl::text ~ 'agent_key'",
      "SELECT FROM pg_class WHERE relacl::text ~ 'agent_key'",
      "SELECT FROM pg_db_role_setting",
      "SELECT FROM pg_auth_members WHERE roleid >= 16384",
      "SELECT FROM pg_stat_activity WHERE starts_with(usename, 'agent_key_')",
    ]) {
      expect([trace, (await orders.owner.query(trace)).rowCount]).toEqual([trace, 0]);
    }
    const acl = "SELECT nspacl::text || datacl::text AS acl FROM pg_namespace, pg_database";
    const { rows } = await orders.owner.query<{ acl: string | null }>(acl);
    expect(rows.filter(({ acl: text }) => /agent_key|=[^,}]*\/key_admin/.test(text ?? ""))).toEqual(
      [],
    );
  });
});
