import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { setup } from "../../test/setup.ts";

async function sendHalf(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).on("error", () => undefined);
  await once(socket, "connect");
  socket.write("POST /.agent-keys/notices HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
  return socket;
}

async function codeAt(url: string): Promise<string | null> {
  const answer = await fetch(`${url}/.agent-keys/notices`, { method: "POST", body: "{}" });
  await answer.body?.cancel();
  return answer.headers.get("agent-keys-code");
}

test("notices that do not arrive hold up others at that broker, and at no other", async () => {
  await using first = await setup();
  await using second = await setup();
  const sockets = await Promise.all(Array.from({ length: 64 }, () => sendHalf(first.url)));
  await expect.poll(() => codeAt(first.url)).toBe("limit_exceeded");
  expect(await codeAt(second.url)).toBe("token_invalid");
  for (const socket of sockets) socket.destroy();
  await expect.poll(() => codeAt(first.url)).toBe("token_invalid");
});
