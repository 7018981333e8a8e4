import { pathTo } from "../http/address.ts";
import { isPassing, readJson } from "../http/read-json.ts";
import { outOfReach, unavailable } from "../unavailable.ts";
import { member } from "./member.ts";
import type { VaultPlan } from "./options.ts";

/** One request to the API, below `/v1/`. */
export interface VaultRequest {
  readonly method?: "GET" | "POST" | undefined;
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string>> | undefined;
  readonly body?: Readonly<Record<string, unknown>> | undefined;
  readonly token?: string | undefined;
  /** Statuses from 400 on that are an answer here, not an error. */
  readonly accepts?: readonly number[] | undefined;
  /** What is being done, for errors: `"logging in"`. */
  readonly what: string;
}

/** What every answer of the API may have. */
export interface VaultAnswer {
  readonly status: number;
  readonly data: unknown;
  readonly auth: unknown;
  readonly leaseId: string;
  /** The whole, for what stands beside these. */
  readonly json: unknown;
}

/** @throws AgentKeyError `secret_unavailable`, with what was done and the status. */
export type Call = (request: VaultRequest, signal: AbortSignal) => Promise<VaultAnswer>;

/** Asks one server. */
export function callTo({ address, namespace, ca }: VaultPlan, name: string): Call {
  return async (request, signal) => {
    const { method = "GET", path, query, body, token, accepts = [], what } = request;
    const headers = {
      // Agents and proxies may insist on it, against requests that something else was tricked into.
      "x-vault-request": "true",
      ...(namespace === undefined ? {} : { "x-vault-namespace": namespace }),
      ...(token === undefined ? {} : { "x-vault-token": token }),
    };
    const url = pathTo(address, ["v1", ...path], query);
    const sent = { url, method, headers, ca, ...(body === undefined ? {} : { body }) };
    const { status, json } = await readJson(sent, name, { signal, isTriedAgain });
    if (status >= 300 && !accepts.includes(status)) throw refusal(name, what, status);
    const leaseId = member(json, "lease_id");
    return {
      status,
      json,
      data: member(json, "data"),
      auth: member(json, "auth"),
      leaseId: typeof leaseId === "string" ? leaseId : "",
    };
  };
}

/** Beside the usual: a node that has not caught up with what another wrote, and the standbys. */
function isTriedAgain(status: number): boolean {
  return isPassing(status) || PASSING[status] !== undefined;
}

function refusal(name: string, what: string, status: number): Error {
  if (isTriedAgain(status)) {
    return outOfReach(name, `${what}: ${PASSING[status] ?? "the server failed"} (${status})`);
  }
  // A standby that does not forward. It names another host, and a token is not sent where an answer says.
  if (status < 400)
    return outOfReach(name, `${what}: it redirects; give the active node's address`);
  return unavailable(name, `${what}: ${LASTING[status] ?? "is refused"} (${status})`);
}

const PASSING: Readonly<Record<number, string>> = {
  412: "the node has not caught up",
  429: "there are too many requests",
  472: "the node is a standby of disaster recovery",
  473: "the node is a standby",
  502: "what is behind the server failed",
  503: "the server is sealed, or down for maintenance",
};

const LASTING: Readonly<Record<number, string>> = {
  400: "the server does not take the request",
  403: "access is denied: the token is not valid, or no policy of it allows this",
  404: "there is nothing at that path, or the token may not know of it",
  405: "the path cannot be read",
};
