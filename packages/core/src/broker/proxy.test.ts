import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { loopbackBroker } from "../../test/loopback-broker.ts";
import { proxyInTheWay } from "./proxy.ts";

const node = { environment: {}, dispatchers: [], readsEnvironment: false };
const env = (environment: Record<string, string>) => ({
  ...node,
  environment,
  dispatchers: ["Dispatcher1Wrapper", "EnvHttpProxyAgent"],
});
const why = (url: string, runtime: Parameters<typeof proxyInTheWay>[1]): string | undefined =>
  proxyInTheWay(new URL(url), runtime);
const LOCAL = "http://127.0.0.1:4949";

test("plain http is not sent where a proxy would read it", () => {
  const proxied = "see every key; set NO_PROXY=127.0.0.1";
  expect(why(LOCAL, node)).toBeUndefined();
  expect(why(LOCAL, { ...node, environment: { HTTP_PROXY: "http://p" } })).toBeUndefined();
  expect(why(LOCAL, env({}))).toContain(proxied);
  expect(why(LOCAL, { ...node, dispatchers: ["ProxyAgent", undefined] })).toContain("ProxyAgent");
  expect(why("https://b.example", { ...node, dispatchers: ["ProxyAgent"] })).toBeUndefined();
  expect(why("https://b.example", env({ HTTPS_PROXY: "http://p" }))).toBeUndefined();
  // Bun, Deno.
  const reads = { ...node, readsEnvironment: true };
  expect(why(LOCAL, reads)).toBeUndefined();
  for (const name of ["http_proxy", "HTTP_PROXY", "ALL_PROXY"]) {
    expect(why(LOCAL, { ...reads, environment: { [name]: "http://p" } })).toContain(proxied);
  }
});

test.each([
  [LOCAL, { NO_PROXY: "127.0.0.1" }, true],
  [LOCAL, { no_proxy: "a.example, 127.0.0.1:4949" }, true],
  [LOCAL, { NO_PROXY: "*" }, true],
  ["http://localhost:4949", { NO_PROXY: "LocalHost" }, true],
  ["http://[::1]:4949", { NO_PROXY: "[::1]" }, true],
  // What one runtime may take for it, and another not.
  ["http://[::1]:4949", { NO_PROXY: "::1" }, false],
  [LOCAL, { NO_PROXY: "127.0.0.0/8" }, false],
  [LOCAL, { NO_PROXY: "localhost" }, false],
  [LOCAL, { NO_PROXY: "127.0.0.1:4950" }, false],
  [LOCAL, { NO_PROXY: "" }, false],
  [LOCAL, { no_proxy: "", NO_PROXY: "127.0.0.1" }, false],
  [LOCAL, { no_proxy: "127.0.0.1", NO_PROXY: "other.example" }, false],
])("%s is excluded from a proxy by %o: %s", (url, environment, excluded) => {
  expect(why(url, env(environment)) === undefined).toBe(excluded);
});

describe("in a process whose fetch has a proxy", () => {
  /** A proxy that passes on what it gets, by either of the ways that there are, and says what it saw. */
  async function openProxy() {
    const seen: string[] = [];
    const server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      response.writeHead(502).end();
    });
    server.on("connect", (request, socket) => {
      seen.push(`CONNECT ${request.url}`);
      const [host = "", port = ""] = String(request.url).split(":");
      const onward = connect(Number(port), host, () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        socket.pipe(onward).pipe(socket);
      });
      for (const end of [socket, onward]) end.on("error", () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const end = (): void => {
      server.closeAllConnections();
      server.close();
    };
    return { seen, url: `http://127.0.0.1:${port}`, [Symbol.dispose]: end };
  }

  /** Runs a program that creates keys, uses one, and ends. Its output. */
  async function run(
    broker: string,
    environment: Record<string, string>,
    options: { readonly before?: string; readonly after?: string } = {},
  ): Promise<string> {
    const source = JSON.stringify(new URL("../index.ts", import.meta.url).href);
    const program = `
      import http from "node:http";
      import { createAgentKeys, keyFetch } from ${source};
      try {
        ${options.before ?? ""}
        const keys = createAgentKeys({
          agent: "a", policy: "allow-all", issuer: "urn:a", audit: () => {}, broker: "${broker}",
        });
        ${options.after ?? ""}
        const ask = (url) => keys.withAgentKey("github:repos.read", async () => (await keyFetch(url)).status);
        console.log(await ask("${broker}/github/x").catch((error) => error.cause.message));
        console.log(await ask("https://api.github.com/x").catch((error) => error.cause.message));
        await keys.revoke({ user: "u" }).catch((error) => console.log(error.cause.message));
      } catch (error) {
        console.log(String(error));
      }
    `;
    const args = ["--conditions=@agent-keys/source", "--input-type=module", "-e", program];
    const env = { ...process.env, ...environment };
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 10_000, env });
    return stdout;
  }

  test("keys for a broker on loopback are refused at once, and the proxy sees nothing", async () => {
    using proxy = await openProxy();
    await using broker = await loopbackBroker();
    const environment = { NODE_USE_ENV_PROXY: "1", HTTP_PROXY: proxy.url, NO_PROXY: "" };
    const output = await run(broker.origin, environment);
    expect(output).toMatch(/^TypeError: broker: a proxy from the environment .*NO_PROXY=127/);
    expect(proxy.seen).toEqual([]);
    expect(broker.seen).toEqual([]);
  });

  test("nor are they used, nor notices sent, when there is one only later", async () => {
    using proxy = await openProxy();
    await using broker = await loopbackBroker();
    const after = `http.setGlobalProxyFromEnv({ http_proxy: "${proxy.url}" });
      const foreign = await fetch("${broker.origin}/plain").catch(() => undefined);`;
    const output = await run(broker.origin, { NO_PROXY: "" }, { after });
    const why = "a proxy from the environment would see every key; set NO_PROXY=127.0.0.1";
    expect(output.trim().split("\n")).toEqual([
      expect.stringContaining(why),
      expect.stringContaining(why),
      expect.stringContaining(why),
    ]);
    // The proxy is one, and works: whatever else the program asks goes by it.
    expect(proxy.seen).toHaveLength(1);
    expect(broker.seen.map(({ url }) => url)).toEqual(["/plain"]);
  });

  test("with NO_PROXY all of it goes past the proxy", async () => {
    using proxy = await openProxy();
    await using broker = await loopbackBroker();
    const environment = {
      NODE_USE_ENV_PROXY: "1",
      HTTP_PROXY: proxy.url,
      NO_PROXY: "127.0.0.1,localhost",
    };
    const output = await run(broker.origin, environment);
    expect(output).toMatch(/^401\n/);
    expect(proxy.seen).toEqual([]);
    const paths = new Set(broker.seen.map(({ url }) => url));
    expect(paths).toEqual(new Set(["/github/x", "/.agent-keys/services", "/.agent-keys/notices"]));
  });
});
