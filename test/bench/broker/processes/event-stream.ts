import type { Socket } from "node:net";

/** Milliseconds from the upstream's writing of a piece to its arrival here, for each piece. */
export function onPieces(socket: Socket, take: (lagMs: number) => void): void {
  let text = "";
  socket.on("data", (chunk: Buffer) => {
    const nowNs = process.hrtime.bigint();
    text += chunk.toString("latin1");
    if (text.startsWith("HTTP/1.1 ") && !text.startsWith("HTTP/1.1 200 ")) throw new Error(text);
    const end = text.lastIndexOf("\n\n");
    if (end === -1) return;
    for (const [, at = "0"] of text.slice(0, end).matchAll(/"at":"(\d+)"/g)) {
      take(Number(nowNs - BigInt(at)) / 1e6);
    }
    text = text.slice(end);
  });
}
