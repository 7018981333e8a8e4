/**
 * Google Secret Manager, by its REST API and Google's own library for credentials.
 *
 * @module
 */
import type { SecretSource } from "@agent-keys/core";
import { asked, clientPackage, once } from "../client-package.ts";
import { addressOf, pathTo } from "../http/address.ts";
import { readJson } from "../http/read-json.ts";
import { headerValue, refusal, requireText } from "../http/refusal.ts";
import { secretValue } from "../secret-value.ts";
import { payloadText } from "./payload.ts";

/** Which secret of Google Secret Manager. */
export interface GcpSecret {
  /** The project's id or number. */
  readonly project: string;
  /** The secret: `"github-token"`. */
  readonly secret: string;
  /** A version's number, or its alias. Default `"latest"`. */
  readonly version?: string | undefined;
  /** Default: `CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER`, or `https://secretmanager.googleapis.com`. */
  readonly address?: string | undefined;
}

/**
 * A secret in Google Secret Manager. `google-auth-library`, which you install, finds the credentials
 * (application default credentials): the file in `GOOGLE_APPLICATION_CREDENTIALS`, which is the key of a
 * service account or a workload identity federation, that of `gcloud`, or the machine's own.
 *
 * @throws TypeError when an option is wrong.
 *
 * @example
 * ```ts
 * import { gcp } from "@agent-keys/secrets/gcp";
 *
 * const secrets = { github: gcp({ project: "acme-prod", secret: "github-token" }) };
 * ```
 */
export function gcp(wanted: GcpSecret): SecretSource {
  const { project, secret, version = "latest" } = wanted;
  requireText(project, "gcp: project");
  requireText(secret, "gcp: secret");
  requireText(version, "gcp: version");
  const given = wanted.address ?? process.env[OVERRIDE] ?? "https://secretmanager.googleapis.com";
  const address = addressOf(given, "gcp: address");
  const path = ["projects", project, "secrets", secret, "versions", version];
  const url = pathTo(address, ["v1", ...path]);
  url.pathname += ":access";
  const name = `gcp:${path.slice(0, version === "latest" ? 4 : 6).join("/")}`;
  const make = async () => {
    const { GoogleAuth } = await clientPackage(
      name,
      "google-auth-library",
      () => import("google-auth-library"),
    );
    // The project is known: the library would run gcloud, or ask Google, to find it.
    const auth = new GoogleAuth({ scopes: SCOPE, projectId: project });
    const client = await auth.getClient();
    // A service account signs for itself (AIP-4111), and need not ask for a token first.
    if ("useJWTAccessWithScope" in client) client.useJWTAccessWithScope = true;
    return client;
  };
  let open = once(make);
  return Object.freeze({
    name,
    async read({ signal }: { readonly signal?: AbortSignal | undefined } = {}) {
      const authorization = await asked(name, signal, {}, async () =>
        (await (await open()).getRequestHeaders()).get("authorization"),
      );
      const headers = { authorization: bearer(name, authorization) };
      const answer = await readJson({ url, headers }, name, { signal });
      // The library keeps a token that was revoked; a new one has none.
      if (answer.status === 401) open = once(make);
      if (answer.status !== 200) throw refusal(answer, name);
      return secretValue(name, payloadText(answer.json, name));
    },
  });
}

const OVERRIDE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER";
const SCOPE = "https://www.googleapis.com/auth/cloud-platform";

function bearer(name: string, authorization: string | null): string {
  const token = authorization?.replace(/^Bearer /, "");
  return `Bearer ${headerValue(name, token, "the access token")}`;
}
