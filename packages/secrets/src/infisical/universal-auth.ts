import { pathTo } from "../http/address.ts";
import { readJson } from "../http/read-json.ts";
import { headerValue, refusal } from "../http/refusal.ts";
import { singleFlight } from "../single-flight.ts";
import { unavailable } from "../unavailable.ts";

/** Who logs in. */
export interface MachineIdentity {
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
}

/** The access token of a machine identity. */
export interface Login {
  readonly isConfigured: () => boolean;
  /** The current one. However many ask at a time, it logs in once. */
  readonly token: (signal: AbortSignal | undefined) => Promise<string>;
  /** Another one than was refused. */
  readonly renewed: (refused: string, signal: AbortSignal | undefined) => Promise<string>;
}

/** A token is not used for the last part of its life, in which it could end on the way. */
const EARLY_MS = 10_000;

/** Logs in by universal auth when a token is needed, and again before it ends. */
export function universalAuth(address: URL, identity: MachineIdentity, name: string): Login {
  let held: { readonly token: string; readonly untilMs: number } | undefined;
  const clientId = (): string | undefined =>
    identity.clientId ?? process.env["INFISICAL_UNIVERSAL_AUTH_CLIENT_ID"];

  const login = singleFlight(async (signal) => {
    const given = identity.clientSecret ?? process.env["INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET"];
    const clientSecret = headerValue(name, given, "INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET");
    const url = pathTo(address, ["api", "v1", "auth", "universal-auth", "login"]);
    const body = { clientId: clientId(), clientSecret };
    const askedMs = performance.now();
    const answer = await readJson({ url, method: "POST", body }, name, { signal });
    if (answer.status === 401 || answer.status === 400) {
      throw unavailable(name, `the machine identity is not accepted (status ${answer.status})`);
    }
    if (answer.status !== 200) throw refusal(answer, name, "no Infisical answers there");
    const { token, lifeMs } = tokenOf(answer.json, name);
    held = { token, untilMs: askedMs + Math.max(lifeMs - EARLY_MS, lifeMs / 2) };
    return token;
  });

  return {
    isConfigured: () => (clientId() ?? "") !== "",
    async token(signal) {
      if (held !== undefined && performance.now() < held.untilMs) return held.token;
      return login(signal);
    },
    async renewed(refused, signal) {
      if (held !== undefined && held.token !== refused) return held.token;
      return login(signal);
    },
  };
}

function tokenOf(json: unknown, name: string): { token: string; lifeMs: number } {
  const { accessToken, expiresIn } = (json ?? {}) as {
    readonly accessToken?: unknown;
    readonly expiresIn?: unknown;
  };
  if (typeof accessToken !== "string") throw unavailable(name, "the login gave no token");
  const token = headerValue(name, accessToken, "what the login gave");
  return { token, lifeMs: typeof expiresIn === "number" && expiresIn > 0 ? expiresIn * 1000 : 0 };
}
