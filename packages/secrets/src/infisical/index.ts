/**
 * Infisical, by its REST API.
 *
 * @module
 */
import type { SecretSource } from "@agent-keys/core";
import { addressOf, pathTo } from "../http/address.ts";
import { readJson } from "../http/read-json.ts";
import { headerValue, refusal, requireText } from "../http/refusal.ts";
import { textAt } from "../json-member.ts";
import { secretValue } from "../secret-value.ts";
import { unavailable } from "../unavailable.ts";
import { universalAuth } from "./universal-auth.ts";

/** Which secret of Infisical, and who asks. */
export interface InfisicalSecret {
  /** The project's id. */
  readonly project: string;
  /** The environment's slug: `"prod"`. */
  readonly environment: string;
  /** The secret: `"GITHUB_TOKEN"`. */
  readonly name: string;
  /** The folder it is in: `"/payments"`. Default `"/"`. */
  readonly path?: string | undefined;
  /** One version of it. Default: the latest. */
  readonly version?: number | undefined;
  /** A machine identity. Default: `INFISICAL_UNIVERSAL_AUTH_CLIENT_ID`. */
  readonly clientId?: string | undefined;
  /** Its secret. Default: `INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET` at each login. */
  readonly clientSecret?: string | undefined;
  /** An access token that somebody else renews, used when no identity is named. Default: `INFISICAL_TOKEN`. */
  readonly token?: string | undefined;
  /** Default: `INFISICAL_API_URL`, or `https://app.infisical.com`. */
  readonly address?: string | undefined;
}

/**
 * A secret in Infisical, read as a machine identity (universal auth), which logs in when it is first read
 * and again before its token ends; or with an access token.
 *
 * @throws TypeError when an option is wrong.
 *
 * @example
 * ```ts
 * import { infisical } from "@agent-keys/secrets/infisical";
 *
 * const project = "7e2f1c2d-8c1f-4f0e-9c57-0d0d4a6f5f10";
 * const secrets = { github: infisical({ project, environment: "prod", name: "GITHUB_TOKEN" }) };
 * ```
 */
export function infisical(secret: InfisicalSecret): SecretSource {
  const { project, environment, name: secretName, path = "/", version } = secret;
  requireText(project, "infisical: project");
  requireText(environment, "infisical: environment");
  requireText(secretName, "infisical: name");
  const given = secret.address ?? process.env["INFISICAL_API_URL"] ?? "https://app.infisical.com";
  // Their own tools take it with and without /api at its end.
  const address = addressOf(given.replace(/\/api\/?$/, ""), "infisical: address");
  const folder = `/${path.split("/").filter(Boolean).join("/")}`;
  const url = pathTo(address, ["api", "v4", "secrets", secretName], {
    projectId: project,
    environment,
    secretPath: folder,
    type: "shared",
    viewSecretValue: "true",
    expandSecretReferences: "true",
    ...(version === undefined ? {} : { version: String(version) }),
  });
  const name = `infisical:${project}/${environment}${folder === "/" ? "" : folder}/${secretName}`;
  const login = universalAuth(address, secret, name);
  return Object.freeze({
    name,
    async read({ signal }: { readonly signal?: AbortSignal | undefined } = {}) {
      signal?.throwIfAborted();
      const ask = async (token: string) =>
        readJson({ url, headers: { authorization: `Bearer ${token}` } }, name, { signal });
      const fixed = login.isConfigured()
        ? undefined
        : headerValue(name, secret.token ?? process.env["INFISICAL_TOKEN"], "INFISICAL_TOKEN");
      const token = fixed ?? (await login.token(signal));
      let answer = await ask(token);
      // It may have been revoked before its time.
      if (answer.status === 401 && fixed === undefined)
        answer = await ask(await login.renewed(token, signal));
      if (answer.status !== 200) throw refusal(answer, name);
      return secretValue(name, shownValue(answer.json, name));
    },
  });
}

/** Who may list secrets without seeing them is given a mask in place of each. */
function shownValue(json: unknown, name: string): string {
  const value = textAt(json, ["secret", "secretValue"], name);
  const { secret } = json as { readonly secret: { readonly secretValueHidden?: unknown } };
  if (secret.secretValueHidden !== true) return value;
  throw unavailable(name, "this identity may see that it is there, and not its value");
}
