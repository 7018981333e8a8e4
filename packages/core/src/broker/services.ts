import * as z from "zod";
import { AgentKeyError } from "../errors.ts";
import { readBounded } from "../token/bounded-fetch.ts";
import { brokerFetch, failureCode } from "./own-fetch.ts";
import { codeIn, explainRefusal } from "./refusal.ts";

/** A service that keys can be used for, as an agent has to know it. */
export interface ServiceAddress {
  /** The first part of its scopes, and of the broker's path. */
  readonly name: string;
  /** Scheme, host and path prefix, without a slash at the end. */
  readonly baseUrl: URL;
}

/** Which services there are. */
export interface Directory {
  /** The token is that of the key that asks. */
  ask(token: string): Promise<readonly ServiceAddress[]>;
  /** What is known without asking. */
  known(): readonly ServiceAddress[] | undefined;
}

/** Where a broker tells its services. */
const SERVICES_PATH = "/.agent-keys/services";

const TIMEOUT_MS = 10_000;
const MAX_SERVICES = 1_000;

const answerSchema = z.object({
  services: z
    .array(
      z.object({
        name: z.string().regex(/^[a-z0-9][a-z0-9_-]*$/),
        baseUrl: z.url({ protocol: /^https?$/ }),
      }),
    )
    .max(MAX_SERVICES),
});

/**
 * The services of a broker: asked once, by the first key that needs them, and kept. Rejects with
 * AgentKeyError `broker_unavailable`, or the code that the broker refused the key with; then the next
 * asks again.
 */
export function brokerDirectory(origin: string): Directory {
  let asked: Promise<readonly ServiceAddress[]> | undefined;
  let known: readonly ServiceAddress[] | undefined;
  const begin = (token: string): Promise<readonly ServiceAddress[]> => {
    const asking = askServices(new URL(SERVICES_PATH, origin), token);
    asked = asking;
    // Whoever asked is told by the promise itself.
    asking.then(
      (services) => {
        known = services;
      },
      () => {
        asked = undefined;
      },
    );
    return asking;
  };
  const ask = async (token: string): Promise<readonly ServiceAddress[]> => {
    if (asked === undefined) return await begin(token);
    try {
      return await asked;
    } catch (error) {
      if (!(error instanceof AgentKeyError) || error.code === "broker_unavailable") throw error;
      // What was said of another's key is nothing that this one's caller is to be told.
      return await ask(token);
    }
  };
  return { ask, known: () => known };
}

async function askServices(url: URL, token: string): Promise<readonly ServiceAddress[]> {
  let response: Response;
  let text: string;
  try {
    response = await brokerFetch(url, {
      headers: { authorization: `Bearer ${token}`, accept: "application/json" },
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    text = new TextDecoder().decode((await readBounded(response)) ?? new Uint8Array());
  } catch (error) {
    throw unavailable(failureCode(error));
  }
  if (!response.ok) {
    const detail = explainRefusal(response, url, token);
    throw new AgentKeyError(codeIn(response) ?? "broker_unavailable", { detail });
  }
  return parseServices(text);
}

function parseServices(text: string): readonly ServiceAddress[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw unavailable("does not answer as a broker does");
  }
  const parsed = answerSchema.safeParse(json);
  if (!parsed.success) throw unavailable("does not answer as a broker does");
  return parsed.data.services.map(({ name, baseUrl }) => ({ name, baseUrl: new URL(baseUrl) }));
}

function unavailable(detail: string): AgentKeyError {
  return new AgentKeyError("broker_unavailable", { detail: `the broker's services: ${detail}` });
}

/** The service that a URL belongs to: the one with the longest base, where several do. Pure. */
export function serviceOf(
  url: URL,
  services: readonly ServiceAddress[],
): ServiceAddress | undefined {
  return services
    .filter(({ baseUrl }) => {
      const prefix = basePath(baseUrl);
      const within = url.pathname === prefix || url.pathname.startsWith(`${prefix}/`);
      return url.origin === baseUrl.origin && within;
    })
    .toSorted((a, b) => basePath(b.baseUrl).length - basePath(a.baseUrl).length)[0];
}

/** A service's URL as it is at the broker. */
export function atBroker(url: URL, { name, baseUrl }: ServiceAddress, origin: string): URL {
  const path = url.pathname.slice(basePath(baseUrl).length);
  return new URL(`${origin}/${name}${path}${url.search}`);
}

function basePath({ pathname }: URL): string {
  return pathname.replace(/\/+$/, "");
}
