/**
 * 1Password, by the REST API of a Connect server.
 *
 * @module
 */
import type { SecretSource } from "@agent-keys/core";
import { addressOf, pathTo } from "../http/address.ts";
import { readJson } from "../http/read-json.ts";
import { headerValue, refusal, requireText } from "../http/refusal.ts";
import { secretValue } from "../secret-value.ts";
import { unavailable } from "../unavailable.ts";
import { fieldValue, ID, idsOf } from "./item.ts";

/** Which field of which item. Each is a name, or the id that stays when the name changes. */
export interface OnePasswordField {
  /** The vault: `"Production"`. */
  readonly vault: string;
  /** The item: `"GitHub"`. */
  readonly item: string;
  /** The field: `"token"`. */
  readonly field: string;
  /** The section that the field is in. Default: whichever; it must be the only field of that name. */
  readonly section?: string | undefined;
  /** The Connect server. Default: `OP_CONNECT_HOST`. */
  readonly address?: string | undefined;
  /** Its access token. Default: `OP_CONNECT_TOKEN` at each read. */
  readonly token?: string | undefined;
}

/**
 * A field of an item in 1Password, by a Connect server. A name that several vaults, items or fields have
 * is refused: which of them was meant is not known.
 *
 * @throws TypeError when an option is wrong, or no server is named.
 *
 * @example
 * ```ts
 * import { onepassword } from "@agent-keys/secrets/onepassword";
 *
 * const secrets = { github: onepassword({ vault: "Production", item: "GitHub", field: "token" }) };
 * ```
 */
export function onepassword(wanted: OnePasswordField): SecretSource {
  const { vault, item, field, section, token } = wanted;
  requireText(vault, "onepassword: vault");
  requireText(item, "onepassword: item");
  requireText(field, "onepassword: field");
  const host = wanted.address ?? process.env["OP_CONNECT_HOST"];
  requireText(host, "onepassword: address, or OP_CONNECT_HOST");
  const address = addressOf(host, "onepassword: address");
  const name = `op:${[vault, item, section, field].filter((part) => part !== undefined).join("/")}`;
  return Object.freeze({
    name,
    async read({ signal }: { readonly signal?: AbortSignal | undefined } = {}) {
      signal?.throwIfAborted();
      const given = token ?? process.env["OP_CONNECT_TOKEN"];
      const headers = {
        authorization: `Bearer ${headerValue(name, given, "OP_CONNECT_TOKEN")}`,
      };
      const ask = async (path: readonly string[], filter?: string): Promise<unknown> => {
        const url = pathTo(address, ["v1", ...path], filter === undefined ? {} : { filter });
        const answer = await readJson({ url, headers }, name, { signal });
        if (answer.status !== 200) throw refusal(answer, name, "there is no such vault or item");
        return answer.json;
      };
      const find = async (kind: "name" | "title", path: readonly string[], text: string) => {
        if (ID.test(text)) return text;
        const ids = idsOf(await ask(path, `${kind} eq ${JSON.stringify(text)}`), kind, text);
        const [id] = ids;
        const what = kind === "name" ? "vault" : "item";
        if (id === undefined) throw unavailable(name, `there is no such ${what}`);
        if (ids.length > 1)
          throw unavailable(name, `there are several of this ${what}; give its id`);
        return id;
      };
      const vaultId = await find("name", ["vaults"], vault);
      const itemId = await find("title", ["vaults", vaultId, "items"], item);
      const answer = await ask(["vaults", vaultId, "items", itemId]);
      return secretValue(name, fieldValue(answer, { field, section }, name));
    },
  });
}
