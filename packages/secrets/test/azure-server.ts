// Built from the Key Vault REST reference 7.x ("Get Secret", "Authentication, requests and responses" for the
// challenge), "OAuth 2.0 client credentials flow" of the Microsoft identity platform v2.0 with its certificate
// credentials, and "How to use managed identities for App Service" (2019-08-01), as of 2025.
import { randomBytes, randomUUID, X509Certificate } from "node:crypto";
import { verifiedJwt } from "./jwt.ts";
import { type Answer, type Asked, localServer, type LocalServer } from "./local-server.ts";

/** A version of a secret. */
export interface AzureVersion {
  readonly id: string;
  readonly value: string;
  /** Seconds since the epoch. */
  readonly exp?: number;
  readonly isDisabled?: boolean;
}

/** Entra ID and one vault on loopback. */
export interface AzureServer extends LocalServer {
  /** By name, the newest last. */
  readonly secrets: Map<string, AzureVersion[]>;
  /** The application that may read, and how it proves that it is itself. */
  readonly application: {
    tenant: string;
    client: string;
    secret: string;
    certificate?: string;
    issuer?: Parameters<typeof verifiedJwt>[1];
    identityHeader: string;
  };
  /** Tokens that it gave, and until when they are taken, in milliseconds since the epoch. */
  readonly tokens: Map<string, number>;
  /** How long a token lives. */
  readonly life: { seconds: number };
  /** The domain that the vault says it takes tokens for. */
  readonly resource: { url: string };
  /** What is answered in place of every login. */
  readonly login: { fault?: Answer | undefined };
}

const ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

export async function azureServer(tls: {
  readonly key: string;
  readonly cert: string;
}): Promise<AzureServer> {
  const secrets: AzureServer["secrets"] = new Map();
  const tokens: AzureServer["tokens"] = new Map();
  const life = { seconds: 3_600 };
  const resource = { url: "https://vault.azure.net" };
  const login: AzureServer["login"] = {};
  const application: AzureServer["application"] = {
    tenant: randomUUID(),
    client: randomUUID(),
    secret: randomBytes(20).toString("base64url"),
    identityHeader: randomUUID(),
  };

  function token(): string {
    const made = `eyJ0eXAi.${randomBytes(40).toString("base64url")}.s`;
    tokens.set(made, Date.now() + life.seconds * 1000);
    return made;
  }

  function answer(asked: Asked): Answer {
    const { method, url, headers } = asked;
    const at = `https://${headers["host"]}/${application.tenant}`;
    const isLogin = url.pathname.startsWith(`/${application.tenant}/`);
    if (isLogin && login.fault !== undefined) return login.fault;
    if (url.pathname.endsWith("/.well-known/openid-configuration")) {
      return {
        status: 200,
        body: {
          token_endpoint: `${at}/oauth2/v2.0/token`,
          authorization_endpoint: `${at}/oauth2/v2.0/authorize`,
          issuer: `${at}/v2.0`,
          jwks_uri: `${at}/discovery/v2.0/keys`,
        },
      };
    }
    if (method === "POST" && url.pathname === `/${application.tenant}/oauth2/v2.0/token`) {
      return proven(new URLSearchParams(asked.body), `${at}/oauth2/v2.0/token`);
    }
    if (url.pathname === "/msi/token") return managedIdentity(asked);
    if (!url.pathname.startsWith("/secrets/")) return { status: 404 };
    const bearer = headers["authorization"]?.replace(/^Bearer /, "") ?? "";
    if ((tokens.get(bearer) ?? 0) <= Date.now()) {
      const challenge = `Bearer authorization="${at}", resource="${resource.url}"`;
      const wrong = refusal(401, "Unauthorized");
      return { ...wrong, headers: { "www-authenticate": challenge } };
    }
    if (!url.searchParams.has("api-version")) return refusal(400, "BadParameter");
    const [, , name = "", id = ""] = url.pathname.split("/");
    return secretOf(name, id, headers["host"] ?? "");
  }

  function secretOf(name: string, wanted: string, host: string): Answer {
    const versions = secrets.get(name) ?? [];
    const version = wanted === "" ? versions.at(-1) : versions.find(({ id }) => id === wanted);
    if (version === undefined) return refusal(404, "SecretNotFound");
    const { id, value, exp, isDisabled = false } = version;
    if (isDisabled) return refusal(403, "Forbidden");
    const attributes = {
      enabled: true,
      created: 1,
      updated: 1,
      ...(exp === undefined ? {} : { exp }),
    };
    return {
      status: 200,
      body: { value, id: `https://${host}/secrets/${name}/${id}`, attributes },
    };
  }

  function proven(form: URLSearchParams, endpoint: string): Answer {
    const isRight =
      form.get("grant_type") === "client_credentials" &&
      form.get("client_id") === application.client &&
      form.get("scope")?.includes(`${resource.url}/.default`) === true;
    const secret = form.get("client_secret");
    const assertion =
      form.get("client_assertion_type") === ASSERTION ? form.get("client_assertion") : null;
    if (isRight && (secret === application.secret || isProof(assertion ?? "", endpoint))) {
      const access_token = token();
      const times = { expires_in: life.seconds, ext_expires_in: life.seconds };
      return { status: 200, body: { token_type: "Bearer", ...times, access_token } };
    }
    const error_description = "AADSTS7000215: Invalid client secret provided.";
    return {
      status: 401,
      body: { error: "invalid_client", error_description, error_codes: [7000215] },
    };
  }

  /** A workload's token of a trusted issuer, or one that the application signed with its certificate. */
  function isProof(assertion: string, endpoint: string): boolean {
    const { issuer, certificate, client } = application;
    if (issuer !== undefined) {
      const { claims } = verifiedJwt(assertion, issuer) ?? {};
      if (claims?.["aud"] === "api://AzureADTokenExchange" && claims["sub"] === "broker")
        return true;
    }
    if (certificate === undefined) return false;
    const x509 = new X509Certificate(certificate);
    const { header, claims } = verifiedJwt(assertion, x509.publicKey) ?? {};
    const thumbprint = Buffer.from(x509.fingerprint256.replaceAll(":", ""), "hex").toString(
      "base64url",
    );
    const isOurs = claims?.["iss"] === client && claims["sub"] === client;
    return isOurs && claims?.["aud"] === endpoint && header?.["x5t#S256"] === thumbprint;
  }

  function managedIdentity({ url, headers }: Asked): Answer {
    const isRight =
      headers["x-identity-header"] === application.identityHeader &&
      url.searchParams.get("resource") === resource.url;
    if (!isRight) return { status: 400, body: { error: "invalid_request" } };
    const expires_on = String(Math.floor(Date.now() / 1000) + life.seconds);
    const times = { expires_on, token_type: "Bearer", resource: resource.url };
    return { status: 200, body: { access_token: token(), ...times } };
  }

  const server = await localServer(answer, tls);
  return Object.assign(server, { secrets, application, tokens, life, resource, login });
}

function refusal(status: number, code: string): Answer {
  return { status, body: { error: { code, message: "told by the server" } } };
}
