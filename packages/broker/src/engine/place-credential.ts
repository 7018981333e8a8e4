import { AgentKeyError } from "@agent-keys/core";
import type { Forward } from "../decide/decision.ts";
import type { Service } from "../service/service.ts";
import type { SecretInUse } from "./secrets.ts";

/** A request as it goes to the upstream, with the credential in it. */
export interface Placed {
  /** With the query. */
  readonly path: string;
  readonly headers: Record<string, string>;
}

/**
 * Puts the credential where the service expects it.
 *
 * @throws AgentKeyError `secret_unavailable` when a signing function throws, of which nothing is told:
 * its message may hold what it was given.
 */
export function placeCredential(
  { method, path, query, headers, body }: Forward,
  { baseUrl, credential }: Service,
  secret: SecretInUse,
): Placed {
  const target = `${basePath(baseUrl)}${path}${query}`;
  // What comes back encoded could not be searched for the secret.
  const sent: Record<string, string> = { ...headers, "accept-encoding": "identity" };
  switch (credential.kind) {
    case "header":
    case "basic":
      sent[credential.kind === "basic" ? "authorization" : credential.name] = secret.header;
      return { path: target, headers: sent };
    case "query": {
      const pair = `${encodeURIComponent(credential.name)}=${encodeURIComponent(secret.value)}`;
      return { path: `${target}${query === "" ? "?" : "&"}${pair}`, headers: sent };
    }
    case "signed": {
      const url = new URL(target, baseUrl);
      const whole = typeof body === "string" ? undefined : body;
      try {
        const signed = credential.sign({ method, url, headers: sent, body: whole }, secret.value);
        for (const [name, value] of Object.entries(signed)) sent[name.toLowerCase()] = value;
      } catch {
        throw new AgentKeyError("secret_unavailable", { detail: "the signing function failed" });
      }
      return { path: target, headers: sent };
    }
  }
}

/** The path prefix of a service, without a slash at its end. */
export function basePath({ pathname }: URL): string {
  return pathname.endsWith("/") ? pathname.slice(0, -1) : pathname;
}
