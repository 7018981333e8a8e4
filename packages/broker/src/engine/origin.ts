import { isIP } from "node:net";
import { buildConnector, Pool } from "undici";
import type { Service } from "../service/service.ts";
import { AddressRefused, isPublicAddress, publicLookup } from "./checked-address.ts";
import type { Limits } from "./limits.ts";

/**
 * The connections to a service's host: HTTP/1.1, certificates verified whatever the environment says, no
 * proxy, no redirects.
 */
export function openOrigin({ baseUrl, network }: Service, limits: Limits): Pool {
  const connect = buildConnector({
    allowH2: false,
    timeout: limits.connectMs,
    // Said here, because NODE_TLS_REJECT_UNAUTHORIZED=0 would be the default otherwise.
    rejectUnauthorized: true,
    ...(network === "public" ? { lookup: publicLookup() } : {}),
  });
  const host = literal(baseUrl.hostname);
  const refused = network === "public" && isIP(host) !== 0 && !isPublicAddress(host);
  return new Pool(baseUrl.origin, {
    // A literal address is not looked up, so it is judged here.
    connect: refused
      ? (_options, callback) => callback(new AddressRefused(baseUrl.hostname), null)
      : connect,
    connections: null,
    pipelining: 1,
    headersTimeout: limits.answerMs,
    bodyTimeout: limits.idleMs,
  });
}

function literal(hostname: string): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}
