import { connect } from "node:net";

/** What came back over a connection. */
export interface RawAnswers {
  readonly text: string;
  /** Of every answer, in order. */
  readonly statuses: readonly number[];
  /** The `agent-keys-code` of every refusal, in order. */
  readonly codes: readonly string[];
  /** Whether the server closed the connection. */
  readonly closed: boolean;
}

/** How long nothing may come, before and after the first byte. */
interface Patience {
  readonly firstMs: number;
  readonly nextMs: number;
}

const PIECE_MS = 4;
const UNTIL_CLOSED: Patience = { firstMs: 60_000, nextMs: 60_000 };

/**
 * Sends exact bytes, each piece in a packet of its own, and reads until the server closes or has nothing
 * more to say.
 */
export function sendBytes(
  url: string,
  bytes: string | readonly Buffer[],
  { firstMs, nextMs }: Patience = UNTIL_CLOSED,
): Promise<RawAnswers> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    const chunks: Buffer[] = [];
    let over = false;
    const finish = (closed: boolean): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      socket.destroy();
      const text = Buffer.concat(chunks).toString("latin1");
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) =>
        Number(status),
      );
      const codes = [...text.matchAll(/^agent-keys-code: (\S+)\r$/gim)].map(
        ([, code = ""]) => code,
      );
      resolve({ text, statuses, codes, closed });
    };
    let timer = setTimeout(() => finish(false), firstMs);
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      clearTimeout(timer);
      timer = setTimeout(() => finish(false), nextMs);
    });
    // A reset is an answer as well; "close" follows it.
    socket.on("error", () => undefined);
    socket.on("close", () => finish(true));
    socket.setNoDelay(true);
    const pieces = typeof bytes === "string" ? [Buffer.from(bytes, "latin1")] : [...bytes];
    const next = (): void => {
      const piece = pieces.shift();
      // A moment apart, in which the server reads what came.
      if (piece !== undefined && !over) socket.write(piece, () => setTimeout(next, PIECE_MS));
    };
    next();
  });
}
