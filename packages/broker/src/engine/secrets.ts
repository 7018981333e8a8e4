import { AgentKeyError } from "@agent-keys/core";
import type { SecretCache } from "@agent-keys/secrets";
import type { Credential } from "../service/credential.ts";
import { type Needles, needlesOf } from "./needles.ts";

/** A service's credential as it is now, and what follows from it. */
export interface SecretInUse {
  readonly value: string;
  /** The value of the header it is sent in, for a credential that is sent in one. */
  readonly header: string;
  /** What every answer is searched for: this one, and those that it has lately replaced. */
  readonly needles: Needles;
  /** The same, in plain. */
  readonly hidden: readonly string[];
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

/** For how long an answer may still repeat a credential that was replaced, and how many of them are kept. */
const KEPT_MS = 15 * 60 * 1000;
const MOST_KEPT = 2;

/** A credential that was replaced. */
interface Replaced {
  readonly hidden: readonly string[];
  readonly value: string;
  readonly untilMs: number;
}

/**
 * Keeps what follows from the value that is in use, which is made anew only for another value, and when
 * one that was replaced need not be searched for any more.
 */
export function serviceSecret(
  cache: SecretCache,
  credential: Credential,
  now: () => number,
): ServiceSecret {
  let inUse: SecretInUse | undefined;
  let replaced: readonly Replaced[] = [];
  const retired = ({ value, header }: SecretInUse): Replaced => ({
    value,
    hidden: sentOf(credential, value, header),
    untilMs: now() + KEPT_MS,
  });
  const use = (value: string): SecretInUse => {
    const nowMs = now();
    if (inUse?.value === value && replaced.every(({ untilMs }) => nowMs < untilMs)) {
      return inUse;
    }
    const header = headerOf(credential, value);
    // It would end the header, or be refused later with an error that quotes it.
    if (!/^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(header)) {
      throw new AgentKeyError("secret_unavailable", { detail: "does not fit into a header" });
    }
    const own = sentOf(credential, value, header);
    const before = inUse === undefined ? [] : [retired(inUse)];
    replaced = [...before, ...replaced]
      .filter((one) => one.value !== value && nowMs < one.untilMs)
      .slice(0, MOST_KEPT);
    const hidden = [...own, ...replaced.flatMap((one) => one.hidden)];
    inUse = { value, header, needles: needlesOf(hidden), hidden };
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

/** What of a credential is sent, in each form that it has there. */
function sentOf({ kind }: Credential, value: string, header: string): readonly string[] {
  return kind === "basic" ? [value, header.slice("Basic ".length)] : [value];
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
