import { isSecure } from "@agent-keys/core/enforce";

/**
 * Where a manager of secrets is, as options or the environment say; a reference never does.
 *
 * @param option - What to call it in the error, which quotes nothing of it: a password may be in it.
 * @throws TypeError when it is no https URL (http only on loopback), or has more than a path.
 */
export function addressOf(given: string, option: string): URL {
  const url = URL.parse(given);
  if (url === null || !isSecure(url)) {
    throw new TypeError(`${option}: must be an https URL (http only on loopback)`);
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new TypeError(`${option}: must have no user name, no ? and no #`);
  }
  return url;
}

/**
 * A path below an address. Each segment is escaped, so that none can lead elsewhere: to another host, up,
 * or into the query.
 *
 * @throws TypeError for a segment that is empty, `.` or `..`, which an URL would take as a step.
 */
export function pathTo(
  address: URL,
  segments: readonly string[],
  query: Readonly<Record<string, string>> = {},
): URL {
  const path = segments.map((segment) => {
    if (segment === "" || segment === "." || segment === "..") {
      throw new TypeError("a part of the path is empty, or a step");
    }
    return encodeURIComponent(segment);
  });
  const url = new URL(address);
  url.pathname = `${address.pathname.replace(/\/+$/, "")}/${path.join("/")}`;
  url.search = new URLSearchParams(query).toString();
  return url;
}
