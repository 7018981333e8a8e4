/**
 * Doppler, by its REST API.
 *
 * @module
 */
import type { SecretSource } from "@agent-keys/core";
import { addressOf, pathTo } from "../http/address.ts";
import { readJson } from "../http/read-json.ts";
import { headerValue, refusal, requireText } from "../http/refusal.ts";
import { textAt } from "../json-member.ts";
import { secretValue } from "../secret-value.ts";

/** Which secret of Doppler. */
export interface DopplerSecret {
  /** The project: `"backend"`. */
  readonly project: string;
  /** The config: `"prd"`. */
  readonly config: string;
  /** The secret: `"GITHUB_TOKEN"`. */
  readonly name: string;
  /** A service token, best one that may read this config alone. Default: `DOPPLER_TOKEN` at each read. */
  readonly token?: string | undefined;
  /** Default: `DOPPLER_API_HOST`, or `https://api.doppler.com`. */
  readonly address?: string | undefined;
}

/**
 * A secret in Doppler, as its config computes it: references to other secrets are followed there.
 *
 * @throws TypeError when an option is wrong.
 *
 * @example
 * ```ts
 * import { doppler } from "@agent-keys/secrets/doppler";
 *
 * const secrets = { github: doppler({ project: "backend", config: "prd", name: "GITHUB_TOKEN" }) };
 * ```
 */
export function doppler(secret: DopplerSecret): SecretSource {
  const { project, config, name: secretName, token } = secret;
  requireText(project, "doppler: project");
  requireText(config, "doppler: config");
  requireText(secretName, "doppler: name");
  const given = secret.address ?? process.env["DOPPLER_API_HOST"] ?? "https://api.doppler.com";
  const address = addressOf(given, "doppler: address");
  const query = { project, config, name: secretName };
  const url = pathTo(address, ["v3", "configs", "config", "secret"], query);
  const name = `doppler:${project}/${config}/${secretName}`;
  return Object.freeze({
    name,
    async read({ signal }: { readonly signal?: AbortSignal | undefined } = {}) {
      signal?.throwIfAborted();
      const bearer = headerValue(name, token ?? process.env["DOPPLER_TOKEN"], "DOPPLER_TOKEN");
      const headers = { authorization: `Bearer ${bearer}` };
      const answer = await readJson({ url, headers }, name, { signal });
      if (answer.status !== 200) throw refusal(answer, name);
      return secretValue(name, textAt(answer.json, ["value", "computed"], name));
    },
  });
}
