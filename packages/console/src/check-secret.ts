import { AgentKeyError, type SecretSource } from "@agent-keys/core";

/** A source, and the service whose credential it is, if that is known. */
export interface NamedSource {
  readonly service: string | undefined;
  readonly source: SecretSource;
}

/** What is told of a secret. Nothing of its value, not even how long it is. */
export interface CheckedSecret {
  readonly service: string | undefined;
  /** Where it is read. */
  readonly source: string;
  /** Milliseconds since the epoch; `undefined`: its source says of none. */
  readonly expiresAtMs: number | undefined;
  /** Who else may read it, as far as the source knows. */
  readonly readableBy: string | undefined;
  /** Why it cannot be read; `undefined`: it can. */
  readonly why: string | undefined;
}

/** A manager that is asked for a secret may first be asked to log in. */
const TIMEOUT_MS = 10_000;

/** Reads a secret once, and closes its source. Never rejects. */
export async function checkSecret({ service, source }: NamedSource): Promise<CheckedSecret> {
  const { name } = source;
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const about = { service, source: name };
  try {
    const { expiresAtMs } = await source.read({ signal });
    // It is read well when nobody can say who else reads it.
    const readableBy = await source.readableBy?.({ signal }).catch(() => undefined);
    return { ...about, expiresAtMs, readableBy, why: undefined };
  } catch (error) {
    const why = reasonOf(error, name, signal.aborted);
    return { ...about, expiresAtMs: undefined, readableBy: undefined, why };
  } finally {
    await source.close?.().catch(() => undefined);
  }
}

/** Errors of sources that were written elsewhere may quote the secret: of those, nothing is told. */
function reasonOf(error: unknown, name: string, isLate: boolean): string {
  if (isLate) return `gave no answer within ${TIMEOUT_MS / 1_000} s`;
  if (!(error instanceof AgentKeyError) || error.code !== "secret_unavailable") {
    return "its source failed";
  }
  const { message } = (error.cause ?? { message: "its source gives none" }) as Error;
  return message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message;
}
