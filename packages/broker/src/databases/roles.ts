import { randomBytes, randomInt } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { AgentKeyError } from "@agent-keys/core";
import type { PoolClient } from "pg";
import type { Admin } from "./admin.ts";
import type { Address, Database } from "./database.ts";
import type { Right } from "./rights.ts";
import { newRoleName, readRoleName, rolePrefix } from "./role-name.ts";
import { scramVerifier } from "./scram.ts";
import {
  COLUMNS,
  createRole,
  dropRole,
  END_SESSIONS,
  identifier,
  LIVES,
  lockOut,
  PUBLIC_RIGHTS,
  ROLES,
} from "./statements.ts";

/** A role that somebody may log in as. */
export interface Role {
  readonly name: string;
  readonly password: string;
  readonly address: Address;
}

/** For whom, and until when. */
interface Holder {
  readonly iss: string;
  readonly jti: string;
  readonly expiresAtMs: number;
}

/** Makes roles, and sees to it that none stays. */
export interface Roles {
  /**
   * @param wanted - Asked when it is there: a role that nobody wants any more never is.
   * @throws AgentKeyError `upstream_unavailable`, or `secret_unavailable`; there is no role then, or it is dropped.
   */
  create(holder: Holder, rights: readonly Right[]): Promise<Role>;
  /** Ends its sessions and drops it. Rejects when it could not; a sweep will. */
  drop(name: string): Promise<void>;
  /** Drops what is left behind by lives that are over, and what has expired. */
  sweep(): Promise<void>;
}

export function openRoles(database: Database, admin: Admin): Roles {
  /** Names that are in use here, or being made: a sweep leaves them alone. */
  const known = new Set<string>();

  let turn: Promise<unknown> = Promise.resolve();
  /**
   * One change of roles after the other: two at a time would trip over the same rows of the catalogue, as
   * those of two brokers may. Not under a lock of the server: a key's role could hold it.
   */
  const change = async (client: PoolClient, work: () => Promise<unknown>): Promise<void> => {
    const mine = turn.then(() => inTransaction(client, work));
    turn = mine.catch(ignore);
    await mine;
  };

  const end = async (name: string): Promise<void> => {
    await admin.run(async (client) => {
      const found = await client.query<{ oid: number }>(
        "SELECT oid FROM pg_roles WHERE rolname = $1",
        [name],
      );
      const oid = found.rows[0]?.oid;
      if (oid === undefined) return;
      await client.query(lockOut(name));
      await endSessions(client, oid);
      await change(client, () => client.query(dropRole(name)));
      // Who had logged in a moment before, and was not in the list yet.
      await endSessions(client, oid);
    });
  };

  return {
    async create({ iss, jti, expiresAtMs }, rights) {
      const password = randomBytes(32).toString("base64url");
      const verifier = await scramVerifier(password);
      const { life, databaseOid, address } = await admin.life();
      const name = newRoleName({ life, databaseOid }, iss, jti);
      known.add(name);
      try {
        await admin.run(async (client) => {
          const role = { name, verifier, expiresAtMs, databaseName: address.database };
          await change(client, async () => {
            await requireNothingPublic(client);
            await requireColumns(client, rights);
            await client.query(createRole(role, database, rights));
          });
        });
      } catch (error) {
        // Whether the COMMIT was heard, nobody knows: the next sweep finds out.
        known.delete(name);
        throw error;
      }
      return { name, password, address };
    },
    async drop(name) {
      known.delete(name);
      await end(name);
    },
    async sweep() {
      const { life: own, databaseOid } = await admin.life();
      const left = await admin.run(async (client) => {
        // The lives first: one that begins between the two has no role in the list.
        const { rows } = await client.query<{ name: string; expired: boolean }>(ROLES, [
          rolePrefix(databaseOid),
        ]);
        const lives = await client.query<{ life: string }>(LIVES);
        const going = new Set(lives.rows.map(({ life }) => Number(life)));
        return rows.filter(({ name, expired }) => {
          const said = readRoleName(name);
          if (said === undefined || known.has(name)) return false;
          return expired || said.life === own || !going.has(said.life);
        });
      });
      const ended = await Promise.allSettled(left.map(({ name }) => end(name)));
      const failed = ended.find((one) => one.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    },
  };
}

const ATTEMPTS = 8;
/** `tuple concurrently updated`, and a deadlock: another broker was in the middle of the same. */
const COLLIDED: ReadonlySet<unknown> = new Set(["XX000", "40P01"]);

/** @param work - Ends with the COMMIT. */
async function inTransaction(client: PoolClient, work: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.query("BEGIN");
      await work();
      return;
    } catch (error) {
      if (attempt === ATTEMPTS || !COLLIDED.has(Reflect.get(Object(error), "code"))) throw error;
      await client.query("ROLLBACK");
      await wait(randomInt(1, 10 * attempt));
    }
  }
}

function ignore(): void {}

const ENDING_MS = 5_000;

async function endSessions(client: PoolClient, oid: number): Promise<void> {
  const untilMs = performance.now() + ENDING_MS;
  for (let pauseMs = 1; ; pauseMs = Math.min(50, pauseMs * 2)) {
    const { rowCount } = await client.query(END_SESSIONS, [oid]);
    if (rowCount === 0) return;
    if (performance.now() > untilMs) {
      throw new AgentKeyError("upstream_unavailable", { detail: "a session would not end" });
    }
    await wait(pauseMs);
  }
}

/** With these, a role could do more than its grants say. */
async function requireNothingPublic(client: PoolClient): Promise<void> {
  const { rows } = await client.query<{ what: string }>(PUBLIC_RIGHTS);
  if (rows.length === 0) return;
  const what = rows.map((row) => row.what).join(", ");
  throw new AgentKeyError("upstream_unavailable", {
    detail: `PUBLIC has ${what}: no role would be as narrow as its grants; REVOKE that`,
  });
}

/** A database that is not what was described is not what policies were written for. */
async function requireColumns(client: PoolClient, rights: readonly Right[]): Promise<void> {
  const tables = [...new Set(rights.map(({ table }) => table))];
  const { rows } = await client.query<
    Record<"schema" | "table" | "column" | "type" | "plain", string>
  >(COLUMNS, [tables.map(({ schema }) => schema), tables.map(({ name }) => name)]);
  const nameOf = (...names: readonly string[]): string => names.map(identifier).join(".");
  const found = new Map(rows.map((row) => [nameOf(row.schema, row.table, row.column), row]));
  for (const { schema, name, columns } of tables) {
    for (const [column, type] of columns) {
      const at = nameOf(schema, name, column);
      const row = found.get(at);
      if (row?.type === type || row?.plain === type) continue;
      const detail =
        row === undefined ? `${at} is no column of a table` : `${at} is of type ${row.type}`;
      throw new AgentKeyError("upstream_unavailable", { detail });
    }
  }
}
