// Built from the Doppler API reference, v3, as of 2025: "Retrieve" of a config's secret, authentication by
// a bearer token, errors as { messages, success: false }, 429 with Retry-After.
import { randomUUID } from "node:crypto";
import { type Answer, type Asked, localServer, type LocalServer } from "./local-server.ts";

/** Doppler on loopback. */
export interface DopplerServer extends LocalServer {
  /** What may be read, and by which token: a service token sees one config. */
  readonly tokens: Map<string, { readonly project: string; readonly config: string }>;
  /** By `project/config/NAME`. */
  readonly secrets: Map<string, { readonly raw: string; readonly computed: string | null }>;
}

export async function dopplerServer(): Promise<DopplerServer> {
  const tokens: DopplerServer["tokens"] = new Map();
  const secrets: DopplerServer["secrets"] = new Map();
  function answer({ method, url, headers }: Asked): Answer {
    const sees = tokens.get(headers["authorization"]?.replace(/^Bearer /, "") ?? "");
    if (sees === undefined) return refusal(401, "Invalid Auth token");
    if (method !== "GET" || url.pathname !== "/v3/configs/config/secret") {
      return refusal(404, "Not found");
    }
    const [project, config, name] = ["project", "config", "name"].map((of) =>
      url.searchParams.get(of),
    );
    if (name === null) return refusal(400, "name is required");
    if (project !== sees.project || config !== sees.config) {
      return refusal(403, "This token does not have access to requested config");
    }
    const value = secrets.get(`${project}/${config}/${name}`);
    if (value === undefined) return refusal(404, "Could not find requested secret");
    return { status: 200, body: { name, value: { ...value, note: "" } } };
  }
  return Object.assign(await localServer(answer), { tokens, secrets });
}

function refusal(status: number, message: string): Answer {
  return {
    status,
    headers: { "x-request-id": randomUUID() },
    body: { messages: [message], success: false },
  };
}
