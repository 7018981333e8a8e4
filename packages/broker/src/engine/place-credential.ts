import { AgentKeyError } from "@agent-keys/core";
import type { Forward } from "../decide/decision.ts";
import type { Service } from "../service/service.ts";
import { type Needles, needlesOf } from "./needles.ts";
import type { SecretInUse } from "./secrets.ts";

/** A request as it goes to the upstream, with the credential in it. */
export interface Placed {
  /** With the query. */
  readonly path: string;
  readonly headers: Record<string, string>;
  /** What its answer is searched for. */
  readonly needles: Needles;
}

/**
 * Puts the credential where the service expects it.
 *
 * @throws AgentKeyError `secret_unavailable` when a signing function throws, of which nothing is told:
 * its message may hold what it was given.
 */
export async function placeCredential(
  { method, path, query, headers, body }: Forward,
  { baseUrl, credential }: Service,
  secret: SecretInUse,
): Promise<Placed> {
  const { needles } = secret;
  const target = `${basePath(baseUrl)}${path}${query}`;
  // What comes back encoded could not be searched for the secret.
  const sent: Record<string, string> = { ...headers, "accept-encoding": "identity" };
  switch (credential.kind) {
    case "header":
    case "basic":
      sent[credential.kind === "basic" ? "authorization" : credential.name] = secret.header;
      return { path: target, headers: sent, needles };
    case "query": {
      const pair = `${encodeURIComponent(credential.name)}=${encodeURIComponent(secret.value)}`;
      return { path: `${target}${query === "" ? "?" : "&"}${pair}`, headers: sent, needles };
    }
    case "signed": {
      const url = new URL(target, baseUrl);
      const whole = typeof body === "string" ? undefined : body;
      try {
        const unsigned = { method, url, headers: sent, body: whole };
        const signed = await credential.sign(unsigned, secret.value);
        for (const [name, value] of Object.entries(signed)) sent[name.toLowerCase()] = value;
        const hidden = Object.values(signed).flatMap(worthHiding);
        return { path: target, headers: sent, needles: needlesOf([...secret.hidden, ...hidden]) };
      } catch {
        throw new AgentKeyError("secret_unavailable", { detail: "the signing function failed" });
      }
    }
  }
}

/** As good as a credential while the upstream takes it: a signature, and a token that is one part of it. */
const SHORTEST_SIGNED = 8;
const SHORTEST_PART = 20;
/** A date is no secret, and the answer has its own. */
const DATE =
  /^(?:\d{1,16}|\d{8}T\d{6}Z|\d{4}-\d\d-\d\dT[\d:.]+Z|\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT)$/;

function worthHiding(value: string): readonly string[] {
  if (value.length < SHORTEST_SIGNED || DATE.test(value)) return [];
  const parts = value.split(/[\s,;]+/).map((part) => part.replace(/^\w+=(?=.)/, ""));
  return [value, ...parts.filter((part) => part.length >= SHORTEST_PART)];
}

/** The path prefix of a service, without a slash at its end. */
export function basePath({ pathname }: URL): string {
  return pathname.endsWith("/") ? pathname.slice(0, -1) : pathname;
}
