// Built from the 1Password Connect Server API reference, specification 1.8.1: GET /v1/vaults and
// /v1/vaults/{id}/items with SCIM filters, GET /v1/vaults/{id}/items/{id}, errors as { status, message }. Its lists
// have no pages.
import { randomInt } from "node:crypto";
import { type Answer, type Asked, localServer, type LocalServer } from "./local-server.ts";

/** A field of an item. */
export interface ConnectField {
  readonly id: string;
  readonly label: string;
  readonly value?: string;
  readonly section?: { readonly id: string };
}

/** An item, in its vault. */
export interface ConnectItem {
  readonly id: string;
  readonly title: string;
  readonly fields: readonly ConnectField[];
  readonly sections?: readonly { readonly id: string; readonly label?: string }[];
}

/** A Connect server on loopback. */
export interface ConnectServer extends LocalServer {
  /** Tokens, and the ids of the vaults that each may read. */
  readonly tokens: Map<string, readonly string[]>;
  readonly vaults: { readonly id: string; readonly name: string; readonly items: ConnectItem[] }[];
}

export async function connectServer(): Promise<ConnectServer> {
  const tokens: ConnectServer["tokens"] = new Map();
  const vaults: ConnectServer["vaults"] = [];
  function answer({ method, url, headers }: Asked): Answer {
    const sees = tokens.get(headers["authorization"]?.replace(/^Bearer /, "") ?? "");
    if (sees === undefined) return refusal(401, "Invalid token signature");
    if (method !== "GET") return refusal(405, "Method not allowed");
    const [v1, kind, vaultId, items, itemId, ...more] = url.pathname.slice(1).split("/");
    if (v1 !== "v1" || kind !== "vaults" || more.length > 0) return refusal(404, "Not found");
    const filter = url.searchParams.get("filter");
    if (vaultId === undefined) {
      const all = vaults
        .filter(({ id }) => sees.includes(id))
        .map(({ id, name }) => ({ id, name }));
      return listed(all, "name", filter);
    }
    const vault = vaults.find(({ id }) => id === vaultId);
    if (vault === undefined) return refusal(404, `Vault ${vaultId} not found`);
    if (!sees.includes(vaultId)) return refusal(403, "vault is not in scope");
    if (items !== "items") return refusal(404, "Not found");
    if (itemId === undefined) {
      // A list has no fields.
      const all = vault.items.map(({ id, title }) => ({ id, title, vault: { id: vaultId } }));
      return listed(all, "title", filter);
    }
    const item = vault.items.find(({ id }) => id === itemId);
    return item === undefined ? refusal(404, "Item not found") : { status: 200, body: item };
  }
  return Object.assign(await localServer(answer), { tokens, vaults });
}

function listed(all: readonly object[], by: "name" | "title", filter: string | null): Answer {
  if (filter === null) return { status: 200, body: all };
  const [, attribute, quoted = ""] = /^(\w+) eq ("(?:[^"\\]|\\.)*")$/.exec(filter) ?? [];
  if (attribute !== by) return refusal(400, "Invalid filter");
  const text = String(JSON.parse(quoted)).toLowerCase();
  // As SCIM compares: without regard to case.
  const found = all.filter((one) => String(Reflect.get(one, by)).toLowerCase() === text);
  return { status: 200, body: found };
}

const refusal = (status: number, message: string): Answer => ({
  status,
  body: { status, message },
});

/** An id as 1Password makes them. */
export function connectId(): string {
  const letters = "abcdefghijklmnopqrstuvwxyz234567";
  return Array.from({ length: 26 }, () => letters[randomInt(letters.length)]).join("");
}
