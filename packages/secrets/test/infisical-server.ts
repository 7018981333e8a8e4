// Built from the Infisical API reference, as of 2025: "Login" of universal auth (/api/v1/auth/universal-auth/
// login), "Retrieve" of secrets (/api/v4/secrets/{secretName}), errors as { statusCode, message, error }, and
// 429 with Retry-After of Infisical Cloud.
import { randomBytes, randomUUID } from "node:crypto";
import { type Answer, type Asked, localServer, type LocalServer } from "./local-server.ts";

/** Infisical on loopback. */
export interface InfisicalServer extends LocalServer {
  readonly identities: Map<string, string>;
  /** Access tokens, and until when they are taken. */
  readonly tokens: Map<string, number>;
  /** How long a token lives that a login gives. */
  readonly life: { seconds: number };
  /** Versions by `project environment folder NAME`, the newest last. */
  readonly secrets: Map<string, string[]>;
  /** Folders whose values identities may not see. */
  readonly masked: Set<string>;
}

export async function infisicalServer(): Promise<InfisicalServer> {
  const identities: InfisicalServer["identities"] = new Map();
  const tokens: InfisicalServer["tokens"] = new Map();
  const secrets: InfisicalServer["secrets"] = new Map();
  const masked: InfisicalServer["masked"] = new Set();
  const life = { seconds: 7_200 };

  function answer(asked: Asked): Answer {
    const { method, url } = asked;
    if (method === "POST" && url.pathname === "/api/v1/auth/universal-auth/login") {
      return loggedIn(asked);
    }
    const token = asked.headers["authorization"]?.replace(/^Bearer /, "") ?? "";
    if ((tokens.get(token) ?? 0) <= Date.now()) {
      return refusal(401, "Your token has expired. Please re-authenticate.", "TokenError");
    }
    const [, name] = /^\/api\/v4\/secrets\/([^/]+)$/.exec(url.pathname) ?? [];
    if (method !== "GET" || name === undefined) return refusal(404, "Not found", "NotFound");
    return secretOf(decodeURIComponent(name), url.searchParams);
  }

  function loggedIn({ body, headers }: Asked): Answer {
    if (headers["content-type"] !== "application/json")
      return refusal(422, "No", "ValidationFailure");
    const { clientId = "", clientSecret } = JSON.parse(body) as Record<string, string>;
    if (clientSecret === undefined || identities.get(clientId) !== clientSecret) {
      return refusal(401, "Invalid credentials", "UnauthorizedError");
    }
    const accessToken = `eyJ.${randomBytes(32).toString("base64url")}.s`;
    tokens.set(accessToken, Date.now() + life.seconds * 1000);
    const expiresIn = life.seconds;
    return {
      status: 200,
      body: { accessToken, expiresIn, accessTokenMaxTTL: 2_592_000, tokenType: "Bearer" },
    };
  }

  function secretOf(name: string, query: URLSearchParams): Answer {
    const [project, environment, path] = ["projectId", "environment", "secretPath"].map((of) =>
      query.get(of),
    );
    if (project === null || environment === null) {
      return refusal(422, "Validation failed", "ValidationFailure");
    }
    const versions = secrets.get([project, environment, path ?? "/", name].join(" ")) ?? [];
    const version = Number(query.get("version") ?? versions.length);
    const value = versions[version - 1];
    if (value === undefined)
      return refusal(404, `Secret with name '${name}' not found`, "NotFound");
    const secretValueHidden = masked.has(path ?? "/") || query.get("viewSecretValue") !== "true";
    const secretValue = secretValueHidden ? "<hidden-by-infisical>" : value;
    const secret = { id: randomUUID(), version, environment, secretKey: name, secretPath: path };
    return { status: 200, body: { secret: { ...secret, secretValue, secretValueHidden } } };
  }

  const server = await localServer(answer);
  return Object.assign(server, { identities, tokens, life, secrets, masked });
}

function refusal(statusCode: number, message: string, error: string): Answer {
  return { status: statusCode, body: { reqId: randomUUID(), statusCode, message, error } };
}
