import type { IncomingMessage } from "node:http";
import type { Connection, Databases } from "../databases/open-databases.ts";
import { readWhole } from "../engine/read-body.ts";
import { Refused } from "../engine/refusal.ts";
import type { VerifiedKey } from "../engine/verifier.ts";

const MAX_BODY_BYTES = 1_024;
const BODY_MS = 5_000;

/**
 * Answers `POST /.agent-keys/connections`, whose body is `{ "service": "orders-db" }`.
 *
 * @throws Refused or AgentKeyError.
 */
export async function connect(
  key: VerifiedKey,
  request: IncomingMessage,
  databases: Databases,
  onName: (service: string) => void,
): Promise<{ readonly connection: Connection }> {
  const body = await readWhole(request, MAX_BODY_BYTES, BODY_MS);
  const service = serviceIn(body);
  onName(service);
  return { connection: await databases.connect(key, service) };
}

function serviceIn(body: Buffer): string {
  try {
    const { service } = Object(JSON.parse(body.toString("utf8"))) as { readonly service?: unknown };
    if (typeof service === "string" && /^[a-z0-9][a-z0-9_-]{0,99}$/.test(service)) return service;
  } catch {
    // Said below.
  }
  throw new Refused("request_invalid", "body", { detail: "it names no database" });
}
