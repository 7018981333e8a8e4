import type { Grant } from "@agent-keys/core";
import { describe, expect, test } from "vitest";
import { definePostgres } from "./define-postgres.ts";
import { rightsOf } from "./rights.ts";

const database = definePostgres({
  name: "orders-db",
  admin: { name: "test", read: async () => ({ value: "" }) },
  schemas: {
    public: { orders: { id: "bigint", status: "text" }, customers: { id: "bigint" } },
    billing: { orders: { id: "bigint" } },
  },
});

/** As `read public.orders(id,status)`. */
function told(...grants: readonly Grant[]): readonly string[] {
  return rightsOf(database, grants).rights.map(
    ({ action, table, columns }) => `${action} ${table.schema}.${table.name}(${columns.join()})`,
  );
}

describe("a grant is worth", () => {
  test.each([
    [
      "everything listed, without a constraint",
      {},
      ["public.orders(id,status)", "public.customers(id)", "billing.orders(id)"],
    ],
    [
      "one table in every schema",
      { table: "orders" },
      ["public.orders(id,status)", "billing.orders(id)"],
    ],
    ["one schema", { schema: "billing" }, ["billing.orders(id)"]],
    ["columns by prefix", { column: { prefix: "st" } }, ["public.orders(status)"]],
    [
      "tables by list",
      { schema: "public", table: { in: ["customers", "unlisted"] } },
      ["public.customers(id)"],
    ],
    ["nothing of a name that only looks the same", { table: "Orders" }, []],
    ["nothing with a name that PostgreSQL has no word for", { table: "orders", tenant: 7 }, []],
    ["nothing where that name may be absent", { tenant: { in: [7], optional: true } }, []],
    ["nothing where that name may be anything", { tenant: { any: true, optional: true } }, []],
  ] as const)("%s", (_what, where, expected) => {
    const grant = { scope: "orders-db:tables.read", where } as unknown as Grant;
    expect(told(grant)).toEqual(expected.map((one) => `read ${one}`));
  });

  test("whole rows to delete, and nothing when columns are named", () => {
    const scope = "orders-db:tables.delete";
    const where = { schema: "public", table: "orders" };
    expect(told({ scope, where })).toEqual(["delete public.orders()"]);
    expect(told({ scope, where: { ...where, column: { any: true } } })).toEqual([]);
    expect(told({ scope, where: { ...where, column: { any: true, optional: true } } })).toEqual([]);
  });

  test("only what it names, when it says so", () => {
    const scope = "orders-db:tables.read";
    const where = { schema: "public", table: "orders" };
    expect(told({ scope, where, only: true })).toEqual([]);
    expect(told({ scope, where: { ...where, column: "id" }, only: true })).toEqual([
      "read public.orders(id)",
    ]);
  });

  test("no more together than each by itself", () => {
    const read = "orders-db:tables.read";
    expect(
      told(
        { scope: read, where: { schema: "public", table: "orders", column: "id" } },
        { scope: read, where: { schema: "billing" } },
        { scope: "other-db:tables.read" },
        { scope: "orders-db:tables.drop" },
      ),
    ).toEqual(["read public.orders(id)", "read billing.orders(id)"]);
  });
});
