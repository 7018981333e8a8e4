import type { SecretSource, SecretValue } from "@agent-keys/core";
import { unavailable } from "../unavailable.ts";
import { member } from "./member.ts";
import type { VaultServer } from "./options.ts";
import { type JoinedSession, joinSession } from "./shared-session.ts";

type Waiting = Parameters<SecretSource["read"]>[0];

/** A source that joins its session when it is first read, and leaves it when it is closed. */
export function vaultSource(
  name: string,
  server: VaultServer,
  read: (joined: JoinedSession, signal: AbortSignal | undefined) => Promise<SecretValue>,
): SecretSource {
  let joined: JoinedSession | undefined;
  const join = (): JoinedSession => {
    try {
      return (joined ??= joinSession(server, name));
    } catch (error) {
      if (error instanceof TypeError) throw unavailable(name, error.message);
      throw error;
    }
  };
  return Object.freeze({
    name,
    async read({ signal }: Waiting = {}) {
      signal?.throwIfAborted();
      try {
        return await read(join(), signal);
      } catch (error) {
        signal?.throwIfAborted();
        throw error;
      }
    },
    async readableBy({ signal }: Waiting = {}) {
      const request = { path: ["auth", "token", "lookup-self"], what: "looking at the token" };
      const { data } = await join().session.ask(request, signal);
      const policies = [member(data, "policies"), member(data, "identity_policies")].flat();
      const names = policies.filter((policy) => typeof policy === "string");
      const who = member(data, "display_name");
      return `token ${typeof who === "string" ? who : "?"} with ${names.join(", ") || "no policies"}`;
    },
    async close() {
      const last = joined;
      joined = undefined;
      await last?.leave();
    },
  });
}
