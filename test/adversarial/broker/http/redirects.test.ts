import { expect, test } from "vitest";
import { OK, openRawUpstream } from "./raw-upstream.ts";
import { openStand } from "./stand.ts";

test.each([301, 302, 303, 307, 308])(
  "a %i to another host is not followed, nor is the credential sent there",
  async (status) => {
    await using evil = await openRawUpstream();
    let location = "";
    await using stand = await openStand({
      answer: ({ target }) =>
        target === "/foo"
          ? `HTTP/1.1 ${status} Moved\r\nLocation: ${location}\r\nRefresh: 0; url=${evil.url}\r\nContent-Length: 0\r\n\r\n`
          : OK,
    });
    const key = stand.mint();
    const places = [
      [`${evil.url}/x`, `${evil.url}/x`],
      [`//${evil.host}/x`, `//${evil.host}/x`],
      [
        `http://${stand.upstream.host}@${evil.host}/x`,
        `http://${stand.upstream.host}@${evil.host}/x`,
      ],
      [`\\\\${evil.host}\\x`, `\\\\${evil.host}\\x`],
      // Its own: back through the broker, where it is decided on.
      [`${stand.upstream.url}/y`, `${stand.url}/hub/y`],
      ["/y", `${stand.url}/hub/y`],
    ];
    for (const [given = "", told] of places) {
      location = given;
      for (const method of ["GET", "POST"]) {
        const { text, statuses } = await stand.ask("/hub/foo", {
          method,
          key,
          body: method === "POST" ? "b" : undefined,
        });
        expect(statuses).toEqual([status]);
        expect(/^location: (.*)\r$/im.exec(text)?.[1]).toBe(told);
      }
    }
    expect(evil.connections).toBe(0);
    expect(stand.upstream.requests.map(({ target }) => target)).toEqual(
      places.flatMap(() => ["/foo", "/foo"]),
    );
  },
);
