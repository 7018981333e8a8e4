import type { TokenCredential } from "@azure/identity";
import { clientPackage } from "../client-package.ts";
import { isPassing } from "../http/read-json.ts";
import { steadyToken } from "./steady-token.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where Microsoft gives out tokens, and the domain of the vaults that take them. */
const CLOUDS: ReadonlyMap<string, string> = new Map([
  ["login.microsoftonline.com", "vault.azure.net"],
  ["login.microsoftonline.us", "vault.usgovcloudapi.net"],
  ["login.chinacloudapi.cn", "vault.azure.cn"],
]);

/** The domain that vaults are in, in the cloud of the environment. */
export function vaultDomain({ AZURE_AUTHORITY_HOST: authority }: Environment): string {
  return CLOUDS.get(hostOf(authority)) ?? "vault.azure.net";
}

/** A credential, and what became of its last login. */
export interface AzureLogin {
  readonly credential: TokenCredential;
  /** Whether nobody answered, or only that now is not the time. The library's errors do not tell. */
  readonly isUnanswered: () => boolean;
  /** How often it has asked for a token. */
  readonly attempts: () => number;
}

/**
 * Who asks, as the environment says. Not `DefaultAzureCredential`: that also runs whatever developer tools it
 * finds.
 */
export async function azureCredential(name: string, environment: Environment): Promise<AzureLogin> {
  const identity = await clientPackage(name, "@azure/identity", () => import("@azure/identity"));
  const {
    AZURE_TENANT_ID: tenant = "",
    AZURE_CLIENT_ID: client = "",
    AZURE_CLIENT_SECRET: secret = "",
    AZURE_CLIENT_CERTIFICATE_PATH: certificatePath = "",
    AZURE_FEDERATED_TOKEN_FILE: tokenFilePath = "",
    AZURE_AUTHORITY_HOST: authority,
  } = environment;
  let status: number | undefined = 200;
  let count = 0;
  const watch = {
    name: "watchLogin",
    async sendRequest<R, T extends { readonly status: number }>(
      request: R,
      next: (request: R) => Promise<T>,
    ): Promise<T> {
      status = undefined;
      count += 1;
      const response = await next(request);
      ({ status } = response);
      return response;
    },
  };
  const isUnanswered = (): boolean => status === undefined || isPassing(status);
  const options = {
    additionalPolicies: [{ policy: watch, position: "perCall" as const }],
    retryOptions: { maxRetries: 2, retryDelayInMs: 200, maxRetryDelayInMs: 3_000 },
    // A private cloud is not known to Microsoft's own, which would be asked about it.
    disableInstanceDiscovery: authority !== undefined && !CLOUDS.has(hostOf(authority)),
  };
  const chosen = (): TokenCredential => {
    if (secret !== "") return new identity.ClientSecretCredential(tenant, client, secret, options);
    if (certificatePath !== "") {
      const certificatePassword = environment["AZURE_CLIENT_CERTIFICATE_PASSWORD"];
      const certificate = {
        certificatePath,
        ...(certificatePassword === undefined ? {} : { certificatePassword }),
      };
      return new identity.ClientCertificateCredential(tenant, client, certificate, options);
    }
    if (tokenFilePath !== "") return new identity.WorkloadIdentityCredential(options);
    const { disableInstanceDiscovery: _, ...own } = options;
    return new identity.ManagedIdentityCredential(
      client === "" ? own : { ...own, clientId: client },
    );
  };
  return { credential: steadyToken(chosen()), isUnanswered, attempts: () => count };
}

function hostOf(authority: string | undefined): string {
  if (authority === undefined || authority === "") return "login.microsoftonline.com";
  return URL.parse(authority)?.host ?? authority;
}
