/**
 * Azure Key Vault.
 *
 * @module
 */
import type { SecretSource } from "@agent-keys/core";
import type { KeyVaultSecret } from "@azure/keyvault-secrets";
import { asked, clientPackage, once } from "../client-package.ts";
import { addressOf } from "../http/address.ts";
import { secretValue } from "../secret-value.ts";
import { outOfReach, unavailable } from "../unavailable.ts";
import { azureCredential, vaultDomain } from "./credential.ts";

/** Which secret of Azure Key Vault. */
export interface AzureSecret {
  /** The vault: `"acme-prod"`. */
  readonly vault: string;
  /** The secret: `"github-token"`. */
  readonly secret: string;
  /** The id of one version. Default: the latest. */
  readonly version?: string | undefined;
  /** The vault's own address. Default: `https://<vault>.vault.azure.net`, or as `AZURE_AUTHORITY_HOST` says. */
  readonly address?: string | undefined;
}

/**
 * A secret in Azure Key Vault, read by `@azure/keyvault-secrets` with credentials of `@azure/identity`, which
 * you install both. Whose they are the environment says: `AZURE_TENANT_ID` and `AZURE_CLIENT_ID` with
 * `AZURE_CLIENT_SECRET`, `AZURE_CLIENT_CERTIFICATE_PATH` or `AZURE_FEDERATED_TOKEN_FILE` (workload identity);
 * with none of these it is the machine's managed identity.
 *
 * @throws TypeError when an option is wrong.
 *
 * @example
 * ```ts
 * import { azure } from "@agent-keys/secrets/azure";
 *
 * const secrets = { github: azure({ vault: "acme-prod", secret: "github-token" }) };
 * ```
 */
export function azure(wanted: AzureSecret): SecretSource {
  const { vault, secret, version } = wanted;
  requireMatch(vault, /^[a-z][a-z\d-]{1,22}[a-z\d]$/i, "azure: vault");
  requireMatch(secret, /^[a-z\d-]{1,127}$/i, "azure: secret");
  if (version !== undefined) requireMatch(version, /^[a-f\d]{32}$/, "azure: version");
  const given = wanted.address ?? `https://${vault}.${vaultDomain(process.env)}`;
  const address = addressOf(given, "azure: address");
  const name = `azure:${[vault, secret, version].filter((part) => part !== undefined).join("/")}`;
  const make = async () => {
    const { SecretClient } = await clientPackage(
      name,
      "@azure/keyvault-secrets",
      () => import("@azure/keyvault-secrets"),
    );
    const login = await azureCredential(name, process.env);
    // It asks the vault who may give out tokens for it, and checks that the answer is of the same domain.
    const client = new SecretClient(address.href, login.credential, {
      retryOptions: { maxRetries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 3_000 },
      redirectOptions: { maxRetries: 0 },
    });
    return { client, login };
  };
  let open = once(make);
  const ask = async (abortSignal: AbortSignal, isSecond = false): Promise<KeyVaultSecret> => {
    const opened = open;
    const { client, login } = await opened();
    const before = login.attempts();
    try {
      return await client.getSecret(secret, {
        abortSignal,
        requestOptions: { timeout: 5_000 },
        ...(version === undefined ? {} : { version }),
      });
    } catch (error) {
      const isOut = isAboutLogin(error) && login.isUnanswered();
      if (!isOut && !isRefusedToken(error)) throw error;
      // After an outage the library asks nobody for a minute, and a token that is refused it keeps. A new
      // one has heard of neither.
      if (open === opened) open = once(make);
      if (!isSecond && (!isOut || login.attempts() === before)) return ask(abortSignal, true);
      if (!isOut) throw error;
      throw outOfReach(name, "is out of reach (the login)");
    }
  };
  return Object.freeze({
    name,
    async read({ signal }: { readonly signal?: AbortSignal | undefined } = {}) {
      const answer = await asked(name, signal, AZURE_ERRORS, async (either) => ask(either));
      const { value, properties } = answer;
      if (value === undefined || value.trim() === "")
        throw unavailable(name, "the secret is empty");
      return secretValue(name, value, properties.expiresOn?.getTime());
    },
  });
}

const AZURE_ERRORS: Readonly<Record<string, string>> = {
  SecretNotFound: "there is no such secret, or no such version of it",
  Forbidden: "access is denied (Forbidden)",
  AuthenticationRequiredError: "the credentials are not accepted (AuthenticationRequiredError)",
  CredentialUnavailableError: "no Azure credentials were found (CredentialUnavailableError)",
};

function isAboutLogin(error: unknown): boolean {
  return error instanceof Error && /^(Authentication|CredentialUnavailable)/.test(error.name);
}

function isRefusedToken(error: unknown): boolean {
  return error instanceof Error && "statusCode" in error && error.statusCode === 401;
}

/** What was given is not quoted: it may be the secret itself. */
function requireMatch(given: unknown, form: RegExp, what: string): void {
  if (typeof given === "string" && form.test(given)) return;
  throw new TypeError(`${what}: is no name that Azure knows`);
}
