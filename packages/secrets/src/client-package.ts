import { AgentKeyError } from "@agent-keys/core";
import { isPassing } from "./http/read-json.ts";
import { orAborted } from "./single-flight.ts";
import { isOutage, kindOf, outOfReach, unavailable } from "./unavailable.ts";

/**
 * Loads a vendor's client, which is an optional peer: nobody who does not use it has to install it, nor
 * waits until it is loaded.
 *
 * @param name - The source that needs it.
 * @param packageName - What to install when it is missing.
 * @param load - The import itself, written out where it is used so that bundlers see it.
 */
export async function clientPackage<T>(
  name: string,
  packageName: string,
  load: () => Promise<T>,
): Promise<T> {
  try {
    return await load();
  } catch {
    throw unavailable(name, `${packageName} cannot be loaded; npm install ${packageName}`);
  }
}

/** Makes something once, when it is first needed. A failure is not kept: the next who asks tries again. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return async () => {
    made ??= make();
    const mine = made;
    try {
      return await mine;
    } catch (error) {
      if (made === mine) made = undefined;
      throw error;
    }
  };
}

/**
 * Asks a vendor's client, whose errors may hold the request with its credentials, or a piece of the
 * answer: of those only the kind is told. Whoever gives up need not wait until the client notices.
 *
 * @param known - What to say instead, by the kind of the error.
 * @param ask - Is given a signal that ends with the caller's, or when it has taken too long.
 */
export async function asked<T>(
  name: string,
  signal: AbortSignal | undefined,
  known: Readonly<Record<string, string>>,
  ask: (signal: AbortSignal) => Promise<T>,
  timeoutMs: number = TIMEOUT_MS,
): Promise<T> {
  signal?.throwIfAborted();
  const over = AbortSignal.timeout(timeoutMs);
  const either = signal === undefined ? over : AbortSignal.any([signal, over]);
  try {
    return await orAborted(ask(either), either);
  } catch (error) {
    signal?.throwIfAborted();
    if (over.aborted) throw outOfReach(name, `gave no answer within ${timeoutMs / 1_000} s`);
    if (error instanceof AgentKeyError && error.code === "secret_unavailable") throw error;
    const kind = kindOf(error);
    const why = Object.hasOwn(known, kind) ? known[kind] : undefined;
    if (why !== undefined) throw unavailable(name, why);
    if (isPassingFailure(error, kind)) throw outOfReach(name, `is out of reach (${kind})`);
    throw unavailable(name, `cannot be read (${kind})`);
  }
}

/** As long as the reader of REST APIs takes at most, which is less than a cache waits. */
const TIMEOUT_MS = 8_000;

/** Whether a client's error says that now is not the time, and nothing of what was asked for. */
function isPassingFailure(error: unknown, kind: string): boolean {
  if (isOutage(error) || THROTTLED.has(kind)) return true;
  const { $metadata, statusCode, status } = (error ?? {}) as {
    readonly $metadata?: { readonly httpStatusCode?: unknown } | undefined;
    readonly statusCode?: unknown;
    readonly status?: unknown;
  };
  const answered = $metadata?.httpStatusCode ?? statusCode ?? status;
  return typeof answered === "number" && isPassing(answered);
}

/** AWS answers these with status 400. */
const THROTTLED: ReadonlySet<string> = new Set([
  "ThrottlingException",
  "Throttling",
  "TooManyRequestsException",
  "RequestLimitExceeded",
  "TimeoutError",
]);
