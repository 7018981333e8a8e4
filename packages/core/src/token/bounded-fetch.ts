import { outsideCalls } from "../context.ts";

/** The largest JWKS that is read. A key takes some 200 bytes. */
export const JWKS_MAX_BYTES: number = 1024 * 1024;

/**
 * `fetch` for a JWKS, which whoever answers cannot make endless. Under no key: it is asked on nobody's
 * behalf.
 *
 * @throws Error when the answer is larger than {@link JWKS_MAX_BYTES}.
 */
export async function boundedFetch(url: string, options: RequestInit): Promise<Response> {
  const response = await outsideCalls(() => fetch(url, options));
  const { status, headers } = response;
  return new Response(await readBounded(response), { status, headers });
}

/** @throws Error when the body is larger than {@link JWKS_MAX_BYTES}. */
export async function readBounded(response: Response): Promise<Uint8Array<ArrayBuffer> | null> {
  if (response.body === null) return null;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop early cancels the body, and with it the connection.
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > JWKS_MAX_BYTES)
      throw new Error(`the answer is larger than ${JWKS_MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}
