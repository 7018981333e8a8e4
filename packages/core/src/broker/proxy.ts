/** How the global `fetch` of this runtime may come to use a proxy. */
interface Runtime {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What the classes of Node's dispatchers are called: several copies of undici have a slot each. */
  readonly dispatchers: readonly (string | undefined)[];
  /** Bun and Deno read the proxy variables unasked. */
  readonly readsEnvironment: boolean;
}

/**
 * What keeps plain http from staying on this machine, or `undefined`: a proxy that the global `fetch`
 * uses would read every key. Node has one with `NODE_USE_ENV_PROXY`, `--use-env-proxy` or a dispatcher
 * of undici's; none can be told of a single request that it is not for it. Through https a proxy sees
 * the broker's name and nothing else.
 */
export function proxyInTheWay(url: URL, runtime: Runtime = thisRuntime()): string | undefined {
  if (url.protocol !== "http:") return undefined;
  const { environment, dispatchers, readsEnvironment } = runtime;
  if (dispatchers.includes("ProxyAgent")) return "the global dispatcher is a ProxyAgent";
  const named = readsEnvironment && PROXIES.some((name) => (environment[name] ?? "") !== "");
  // What it was made with need not be what the environment says now.
  if (!named && !dispatchers.includes("EnvHttpProxyAgent")) return undefined;
  if (isExcluded(url, environment)) return undefined;
  return `a proxy from the environment would see every key; set NO_PROXY=${url.hostname}`;
}

const PROXIES = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
const EXCLUSIONS = ["no_proxy", "NO_PROXY"];

/** By each of the variables that is there: which of two counts, runtimes do not agree on. */
function isExcluded({ hostname, host }: URL, environment: Runtime["environment"]): boolean {
  const stated = EXCLUSIONS.map((name) => environment[name]).filter((list) => list !== undefined);
  // Nothing but what all runtimes take for this very host.
  const excludes = (list: string): boolean =>
    list.split(/[\s,]+/).some((entry) => [hostname, host, "*"].includes(entry.toLowerCase()));
  return stated.length > 0 && stated.every(excludes);
}

function thisRuntime(): Runtime {
  const dispatchers = [1, 2].map((version) => {
    const slot = Symbol.for(`undici.globalDispatcher.${version}`);
    const { [slot]: dispatcher } = globalThis as { readonly [slot: symbol]: object | undefined };
    return dispatcher?.constructor?.name;
  });
  const { bun, deno } = process.versions as Readonly<Record<string, string | undefined>>;
  return {
    environment: process.env,
    dispatchers,
    readsEnvironment: bun !== undefined || deno !== undefined,
  };
}
