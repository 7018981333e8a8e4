import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { selfSigned } from "../../test/self-signed.ts";
import { SECRET, setup } from "../../test/setup.ts";
import { basic, header, query, signed } from "../service/credential.ts";

test("an upstream whose certificate nobody vouches for sees nothing, whatever the environment says", async () => {
  const files = selfSigned();
  let asked = 0;
  const options = { key: readFileSync(files.key), cert: readFileSync(files.cert) };
  const server = createServer(options, (_request, response) => {
    asked += 1;
    response.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const before = process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
  process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
  try {
    await using s = await setup({ service: { baseUrl: `https://127.0.0.1:${port}` } });
    const response = await s.ask("/tickets/tickets/1");
    expect([response.status, response.headers.get("agent-keys-code")]).toEqual([
      502,
      "upstream_unavailable",
    ]);
  } finally {
    if (before === undefined) delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    else process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = before;
    server.close();
  }
  expect(asked).toBe(0);
});

test.each([
  ["header", header("X-Api-Key"), "x-api-key", SECRET],
  [
    "basic",
    basic("bot"),
    "authorization",
    `Basic ${Buffer.from(`bot:${SECRET}`).toString("base64")}`,
  ],
  [
    "signed",
    signed(({ method, url }, secret) => ({ "X-Sign": `${method} ${url.pathname} ${secret}` })),
    "x-sign",
    `GET /tickets/1 ${SECRET}`,
  ],
])(
  "the credential goes where the service expects it: %s",
  async (_name, credential, name, value) => {
    await using s = await setup({ service: { credential } });
    const response = await s.ask("/tickets/tickets/1", {
      headers: { cookie: "session=1", "x-other": "1", "proxy-authorization": "Basic eDp5" },
    });
    expect(response.status).toBe(200);
    const [seen] = s.upstream.seen;
    expect(seen?.headers[name]).toBe(value);
    expect(seen?.headers).not.toHaveProperty("cookie");
    expect(seen?.headers).not.toHaveProperty("x-other");
    expect(seen?.headers).not.toHaveProperty("proxy-authorization");
    expect(JSON.stringify(seen)).not.toContain("eyJ");
  },
);

test("the credential as a query parameter, with the caller's own taken out", async () => {
  await using s = await setup({ service: { credential: query("key") } });
  const asked = await fetch(`${s.url}/tickets/tickets?page=2&key=${s.mint()}`);
  expect(asked.status).toBe(200);
  expect(s.upstream.seen[0]?.url).toBe(`/tickets?page=2&key=${encodeURIComponent(SECRET)}`);
});

test("no event, no answer and no error of any kind holds the key or the secret", async () => {
  await using s = await setup({
    answer: (request, response) => {
      if (request.url === "/tickets/broken") request.socket.destroy();
      else
        response
          .writeHead(500, { "x-echo": JSON.stringify(request.headers) })
          .end(request.headers.authorization);
    },
  });
  const key = s.mint({ scope: "tickets:read", where: { ticketId: { prefix: "" } } });
  const answers: string[] = [];
  for (const path of ["/tickets/tickets/1", "/tickets/tickets/broken", "/tickets/no", "/x/y"]) {
    const response = await s.ask(path, { key });
    answers.push(JSON.stringify([...response.headers]), await response.text());
  }
  await s.close();
  const everything = `${answers.join()}${JSON.stringify(s.events)}`;
  expect(everything).not.toContain(SECRET);
  expect(everything).not.toContain(key.slice(0, 30));
  expect(everything).not.toContain(key.slice(-30));
});

test("a secret that would end the header is not sent, and not told", async () => {
  const value = "good\r\nx-evil: 1";
  await using s = await setup({ secret: { name: "odd", read: async () => ({ value }) } });
  const response = await s.ask("/tickets/tickets/1");
  expect(response.headers.get("agent-keys-code")).toBe("secret_unavailable");
  expect(s.upstream.seen).toEqual([]);
});
