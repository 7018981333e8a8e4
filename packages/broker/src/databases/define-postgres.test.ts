import { expect, test } from "vitest";
import { definePostgres, type PostgresDefinition } from "./define-postgres.ts";

const GOOD: PostgresDefinition = {
  name: "orders-db",
  admin: { name: "test", read: async () => ({ value: "" }) },
  schemas: { public: { orders: { id: "bigint" } } },
};

test("what is said becomes scopes, and what constraints may name", () => {
  const { scopes, routes } = definePostgres(GOOD);
  expect(scopes).toEqual(
    ["read", "insert", "update", "delete"].map((action) => `orders-db:tables.${action}`),
  );
  expect(routes.map(({ parameters }) => [...parameters.keys()])).toEqual([
    ["schema", "table", "column"],
    ["schema", "table", "column"],
    ["schema", "table", "column"],
    ["schema", "table"],
  ]);
});

test.each([
  ["name", { name: "Orders" }],
  ["admin", { admin: "postgres://a:b@c/d" }],
  ["schemas", { schemas: {} }],
  ["schemas.pg_catalog", { schemas: { pg_catalog: { pg_authid: { rolname: "name" } } } }],
  ["schemas.public.orders", { schemas: { public: { orders: {} } } }],
  ["schemas.public.orders.id", { schemas: { public: { orders: { id: "" } } } }],
  ["schemas.public", { schemas: { public: { ["a".repeat(64)]: { id: "int" } } } }],
  ["schemas.public.orders", { schemas: { public: { orders: { "a\0b": "int" } } } }],
  ["network", { network: "any" }],
  ["sessions", { sessions: 0 }],
  ["rolesOfIssuer", { rolesOfIssuer: 1.5 }],
  ["address.host", { address: { host: "a/b?c", port: 5432 } }],
  ["password", { password: "a" }],
])("%s that is wrong is an error at once, which names it", (option, change) => {
  const define = (): unknown => definePostgres({ ...GOOD, ...change } as PostgresDefinition);
  expect(define).toThrow(TypeError);
  expect(define).toThrow(`definePostgres: ${option}`);
});
