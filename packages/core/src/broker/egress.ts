/** Which hosts besides the services may be asked, without a key. */
export interface Egress {
  /** `listed`: named in `allowHosts`. `open`: any host may be. */
  (url: URL): "listed" | "open" | "denied";
}

/**
 * Reads the options.
 *
 * @throws TypeError naming the option.
 */
export function openEgress(egress: unknown = "deny", allowHosts: unknown = []): Egress {
  if (egress !== "deny" && egress !== "allow") {
    throw new TypeError('egress: must be "deny" or "allow"');
  }
  if (!Array.isArray(allowHosts) || !allowHosts.every(isHost)) {
    throw new TypeError(
      "allowHosts: must be a list of hosts, such as example.com or localhost:3000",
    );
  }
  const listed = new Set(allowHosts);
  return (url) => {
    if (listed.has(url.host)) return "listed";
    return egress === "allow" ? "open" : "denied";
  };
}

/** As a URL says it: in lower case, with the port where it is not the scheme's own. */
function isHost(host: unknown): host is string {
  if (typeof host !== "string" || host.includes("*")) return false;
  return ["https", "http"].some((scheme) => URL.parse(`${scheme}://${host}`)?.host === host);
}
