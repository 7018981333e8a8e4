import { expect, test } from "vitest";
import { newRoleName, readRoleName } from "./role-name.ts";
import { createRole, identifier } from "./statements.ts";
import { definePostgres } from "./define-postgres.ts";

test("a name stays one name, and no name has a NUL", () => {
  expect(identifier(`a"b`)).toBe(`"a""b"`);
  expect(identifier(`"; DROP TABLE x; --`)).toBe(`"""; DROP TABLE x; --"`);
  expect(() => identifier("a\0b")).toThrow(TypeError);
});

test("what ends a text is in none", () => {
  const database = definePostgres({
    name: "orders-db",
    admin: { name: "test", read: async () => ({ value: "" }) },
    schemas: { public: { orders: { id: "bigint" } } },
  });
  const role = { name: "a", verifier: "x' --", expiresAtMs: 0, databaseName: "d" };
  expect(() => createRole(role, database, [])).toThrow(TypeError);
});

test("a role's name says whose it is, to whoever may ask, and is never twice the same", () => {
  const own = { databaseOid: 16_400, life: 2 ** 31 - 1 };
  const names = new Set(Array.from({ length: 100 }, () => newRoleName(own, "iss", "jti")));
  expect(names.size).toBe(100);
  for (const name of names) {
    expect(readRoleName(name)).toEqual(own);
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
    expect(name).not.toContain("jti");
  }
  for (const name of ["agent_key_", "agent_key_admin", "postgres", `${[...names][0]}x`]) {
    expect(readRoleName(name)).toBeUndefined();
  }
});
