import { createAgentKeys, memorySink } from "@agent-keys/core";
import { generateKeyPairSync, sign } from "node:crypto";
import { expect, test } from "vitest";
import { AGENT, came, ISSUER, openStand, refused, type Stand } from "./stand.ts";

const OTHER = "https://others.example";
const INVALID = refused(401, "token_invalid");
const DENIED = refused(403, "policy_denied");

function part(text: string, at: number): Record<string, unknown> {
  return JSON.parse(Buffer.from(text.split(".")[at] ?? "", "base64url").toString()) as Record<
    string,
    unknown
  >;
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** A broker that knows two issuers, and the keys of both. */
async function openTwo() {
  const theirs = generateKeyPairSync("ed25519").privateKey;
  const other = (audience: string) =>
    createAgentKeys({
      agent: "other-bot",
      policy: "allow-all",
      signingKey: theirs,
      issuer: OTHER,
      audience,
      audit: memorySink(),
    });
  const ours = generateKeyPairSync("ed25519").privateKey;
  const own = (audience: string, agent = AGENT, issuer = ISSUER) =>
    createAgentKeys({
      agent,
      policy: "allow-all",
      signingKey: ours,
      issuer,
      audience,
      audit: memorySink(),
    });
  const stand = await openStand({
    broker: {
      issuers: {
        [ISSUER]: {
          jwks: own("https://x.example").jwks(),
          agents: [AGENT, "team-*"],
          policy: "allow-all",
        },
        [OTHER]: {
          jwks: other("https://x.example").jwks(),
          agents: ["other-bot"],
          policy: { "other-bot": { allow: [{ scope: "hub:any", where: { path: "theirs" } }] } },
        },
      },
    },
  });
  return { stand, own, other, theirs, ours };
}

async function present(stand: Stand, key: string) {
  return came(stand, await stand.ask("/hub/a", { key }));
}

test("a key for another broker is refused at this one", async () => {
  const { stand, own } = await openTwo();
  await using _ = stand;
  for (const audience of [
    "https://broker-b.example",
    `${stand.url}/`,
    stand.url.replace("127.0.0.1", "localhost"),
    stand.url.toUpperCase(),
    `${stand.url}0`,
  ]) {
    expect(await present(stand, own(audience).mint("hub:any").token)).toEqual(INVALID);
  }
  expect((await present(stand, own(stand.url).mint("hub:any").token)).status).toBe(200);
});

test("one issuer's name over another's signature is refused, whichever kid it names", async () => {
  const { stand, own, other, theirs, ours } = await openTwo();
  await using _ = stand;
  const mine = own(stand.url).mint("hub:any").token;
  const foreign = other(stand.url).mint("hub:any").token;
  const forge = (claims: unknown, header: unknown, key: typeof ours): string => {
    const signed = `${encode(header)}.${encode(claims)}`;
    return `${signed}.${sign(null, Buffer.from(signed), key).toString("base64url")}`;
  };
  const [myHeader, myClaims, theirHeader] = [part(mine, 0), part(mine, 1), part(foreign, 0)];
  expect(await present(stand, forge(myClaims, theirHeader, theirs))).toEqual(INVALID);
  expect(await present(stand, forge(myClaims, myHeader, theirs))).toEqual(INVALID);
  expect(
    await present(stand, forge({ ...part(foreign, 1), iss: ISSUER }, theirHeader, theirs)),
  ).toEqual(INVALID);
  for (const iss of [
    "https://nobody.example",
    "__proto__",
    "constructor",
    "",
    null,
    [ISSUER],
    { toString: ISSUER },
  ]) {
    expect(await present(stand, forge({ ...myClaims, iss }, myHeader, ours))).toEqual(INVALID);
  }
  expect((await present(stand, forge(myClaims, myHeader, ours))).status).toBe(200);
});

test("the policy is the issuer's own", async () => {
  const { stand, other } = await openTwo();
  await using _ = stand;
  expect(await present(stand, other(stand.url).mint("hub:any").token)).toEqual(DENIED);
  expect(
    (await stand.ask("/hub/theirs", { key: other(stand.url).mint("hub:any").token })).statuses,
  ).toEqual([200]);
});

test.each([
  "stranger",
  "hub-bot2",
  "hub-bo",
  "HUB-BOT",
  "other-bot",
  "team",
  "xteam-a",
  "__proto__",
  "*",
])("an agent that the issuer may not speak for, %s, is refused", async (agent) => {
  const { stand, own } = await openTwo();
  await using _ = stand;
  expect(await present(stand, own(stand.url, agent).mint("hub:any").token)).toEqual(DENIED);
});

test("a chain that begins with an agent of somebody else's is refused", async () => {
  const { stand, own } = await openTwo();
  await using _ = stand;
  const parent = own(stand.url, "stranger").mint("hub:any");
  const keys = own(stand.url, "stranger").for({ agent: AGENT, parent });
  expect(await present(stand, keys.mint("hub:any").token)).toEqual(DENIED);
});

test.each([
  "hub:__proto__",
  "hub:constructor",
  "__proto__:any",
  "constructor:any",
  "hub:any.more",
  "hub:an",
  "other:any",
])("a key for %s allows nothing", async (scope) => {
  const { stand, own, ours } = await openTwo();
  await using _ = stand;
  const token = own(stand.url).mint("hub:any").token;
  const text = Buffer.from(token.split(".")[1] ?? "", "base64url")
    .toString()
    .replaceAll("hub:any", scope);
  const signed = `${token.split(".")[0]}.${Buffer.from(text).toString("base64url")}`;
  const { status, upstream, allowed } = await present(
    stand,
    `${signed}.${sign(null, Buffer.from(signed), ours).toString("base64url")}`,
  );
  expect([status === 401 || status === 403, upstream, allowed]).toEqual([true, 0, 0]);
});
