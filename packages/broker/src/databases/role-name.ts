import { createHash, randomBytes } from "node:crypto";

/** What a role's name says. */
export interface RoleName {
  /** Of the database that it is for: roles are of all databases of a server. */
  readonly databaseOid: number;
  /** Which life of which broker made it. */
  readonly life: number;
}

const PATTERN = /^agent_key_([0-9a-f]{8})_([0-9a-f]{8})_[0-9a-f]{16}_[0-9a-f]{8}$/;

/** What the names of all roles for a database begin with. */
export function rolePrefix(databaseOid: number): string {
  return `agent_key_${hex(databaseOid)}_`;
}

/** A new name: of the key it has a digest, so that the record of the server can be told from ours. */
export function newRoleName({ databaseOid, life }: RoleName, iss: string, jti: string): string {
  const key = createHash("sha256")
    .update(JSON.stringify([iss, jti]))
    .digest("hex")
    .slice(0, 16);
  return `${rolePrefix(databaseOid)}${hex(life)}_${key}_${randomBytes(4).toString("hex")}`;
}

/** `undefined` for any that is not of this form: it is somebody else's. */
export function readRoleName(name: string): RoleName | undefined {
  const [, databaseOid, life] = PATTERN.exec(name) ?? [];
  if (databaseOid === undefined || life === undefined) return undefined;
  return { databaseOid: Number.parseInt(databaseOid, 16), life: Number.parseInt(life, 16) };
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}
