import { AgentKeyError } from "@agent-keys/core";
import type { SecretCache } from "@agent-keys/secrets";
import type { Credential } from "../service/credential.ts";
import { type Needles, needlesOf } from "./needles.ts";

/** A service's credential as it is now, and what follows from it. */
export interface SecretInUse {
  readonly value: string;
  /** The value of the header it is sent in, for a credential that is sent in one. */
  readonly header: string;
  /** What every answer is searched for. */
  readonly needles: Needles;
}

/** Reads one service's credential. */
export interface ServiceSecret {
  /** @throws AgentKeyError `secret_unavailable`. */
  read(): Promise<SecretInUse>;
  /**
   * Another one than the upstream has just refused; `undefined` when there is none.
   *
   * @throws AgentKeyError `secret_unavailable`.
   */
  refresh(rejected: SecretInUse): Promise<SecretInUse | undefined>;
}

/** Keeps what follows from the value that is in use, which is made anew only for another value. */
export function serviceSecret(cache: SecretCache, credential: Credential): ServiceSecret {
  let inUse: SecretInUse | undefined;
  const use = (value: string): SecretInUse => {
    if (inUse?.value === value) return inUse;
    const header = headerOf(credential, value);
    // It would end the header, or be refused later with an error that quotes it.
    if (!/^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(header)) {
      throw new AgentKeyError("secret_unavailable", { detail: "does not fit into a header" });
    }
    const sent = credential.kind === "basic" ? [value, header.slice("Basic ".length)] : [value];
    inUse = { value, header, needles: needlesOf(sent) };
    return inUse;
  };
  return {
    async read() {
      return use((await cache.read()).value);
    },
    async refresh(rejected) {
      const newer = await cache.refresh(rejected.value);
      return newer === undefined ? undefined : use(newer.value);
    },
  };
}

function headerOf(credential: Credential, value: string): string {
  switch (credential.kind) {
    case "header":
      return `${credential.prefix}${value}`;
    case "basic":
      return `Basic ${Buffer.from(`${credential.username}:${value}`).toString("base64")}`;
    case "query":
    case "signed":
      return "";
  }
}
