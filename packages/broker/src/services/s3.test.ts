import { inspect } from "node:util";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { type Grant, type SecretSource } from "@agent-keys/core";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type AwsServer, BASE, openAws } from "../../test/aws/aws-server.ts";
import { setup, type Setup } from "../../test/setup.ts";
import { assumeRole } from "../narrow/aws-sts/assume-role.ts";
import { s3Statements } from "../narrow/aws-sts/s3-statements.ts";
import { s3 } from "./s3.ts";

const ROLE = "arn:aws:iam::123456789012:role/agents";

let aws: AwsServer;
beforeEach(async () => {
  aws = await openAws();
  vi.stubEnv("AWS_ACCESS_KEY_ID", BASE.accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", BASE.secretAccessKey);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await aws[Symbol.asyncDispose]();
});

const roleOf = (): ReturnType<typeof assumeRole> =>
  assumeRole({
    roleArn: ROLE,
    region: "eu-central-1",
    externalId: "acme:1",
    sessionName: "repo bot/7",
    statements: s3Statements,
    endpoint: aws.url,
  });

/** The broker with a credential that STS issued for one grant, whatever a key's grant is. */
async function brokerFor(grant: Grant): Promise<Setup> {
  const role = roleOf();
  const narrowed = role.narrow(grant);
  if (narrowed === undefined) throw new Error("no policy");
  const secret: SecretSource = { name: role.name, read: () => role.issue(narrowed) };
  const service = s3({ region: "eu-central-1", baseUrl: aws.url, network: "private" });
  return await setup({
    broker: { services: [service], secrets: { s3: secret } },
  });
}

function clientOf(broker: Setup, grants: readonly Grant[]): S3Client {
  const key = broker.mint(grants);
  return new S3Client({
    endpoint: `${broker.url}/s3`,
    region: "eu-central-1",
    forcePathStyle: true,
    requestChecksumCalculation: "WHEN_REQUIRED",
    maxAttempts: 1,
    credentials: { accessKeyId: "none", secretAccessKey: "none" },
    signer: {
      async sign(request) {
        request.headers["authorization"] = `Bearer ${key}`;
        return request;
      },
    },
  });
}

const ALL = ["read", "write", "delete", "list"].map((one) => ({ scope: `s3:objects.${one}` }));

test("AWS's own client reads under a key, with a credential of the grant alone", async () => {
  const grant = {
    scope: "s3:objects.read",
    where: { bucket: "reports", key: { prefix: "2026/" } },
  };
  aws.objects.set("reports/2026/a b+c!(é).txt", Buffer.from("hello"));
  await using broker = await brokerFor(grant);
  const client = clientOf(broker, [grant]);
  const asked = { Bucket: "reports", Key: "2026/a b+c!(é).txt" };
  const { Body } = await client.send(new GetObjectCommand(asked));
  expect(await Body?.transformToString()).toBe("hello");
  await client.send(new HeadObjectCommand(asked));
  expect(aws.assumed.map((one) => Object.fromEntries(one))[0]).toEqual({
    Action: "AssumeRole",
    Version: "2011-06-15",
    RoleArn: ROLE,
    RoleSessionName: "repo-bot-7",
    ExternalId: "acme:1",
    DurationSeconds: "900",
    Policy: roleOf().narrow(grant)?.request.Policy,
  });
});

test("writes, lists and deletes", async () => {
  const write = { scope: "s3:objects.write", where: { bucket: "reports" } };
  const list = { scope: "s3:objects.list", where: { bucket: "reports", prefix: { prefix: "a/" } } };
  const remove = { scope: "s3:objects.delete", where: { bucket: "reports", key: "a/b" } };
  {
    await using broker = await brokerFor(write);
    const Body = "text of it";
    await clientOf(broker, [write]).send(
      new PutObjectCommand({ Bucket: "reports", Key: "a/b", Body, ContentType: "text/plain" }),
    );
    expect(aws.objects.get("reports/a/b")?.toString()).toBe(Body);
  }
  {
    await using broker = await brokerFor(list);
    const { Contents } = await clientOf(broker, [list]).send(
      new ListObjectsV2Command({ Bucket: "reports", Prefix: "a/" }),
    );
    expect(Contents?.map(({ Key }) => Key)).toEqual(["a/b"]);
  }
  {
    await using broker = await brokerFor(remove);
    const asked = { Bucket: "reports", Key: "a/b" };
    await clientOf(broker, [remove]).send(new DeleteObjectCommand(asked));
    expect(aws.objects.size).toBe(0);
  }
});

test("S3 itself refuses what the grant does not say, when the broker lets everything pass", async () => {
  const grant = {
    scope: "s3:objects.read",
    where: { bucket: "reports", key: { prefix: "2026/" } },
  };
  aws.objects.set("reports/2025/a", Buffer.from("hello"));
  await using broker = await brokerFor(grant);
  const client = clientOf(broker, ALL);
  const Bucket = "reports";
  for (const command of [
    new GetObjectCommand({ Bucket, Key: "2025/a" }),
    new GetObjectCommand({ Bucket: "others", Key: "2026/a" }),
    new PutObjectCommand({ Bucket, Key: "2026/a", Body: "b" }),
    new DeleteObjectCommand({ Bucket, Key: "2026/a" }),
    new ListObjectsV2Command({ Bucket }),
  ]) {
    // One union of commands is none that the client's overloads know.
    const sent = client.send(command as GetObjectCommand);
    await expect(sent).rejects.toMatchObject({ name: "AccessDenied" });
  }
  expect(aws.asked.map(({ allowed }) => allowed)).toEqual([false, false, false, false, false]);
  expect(aws.objects.size).toBe(1);
});

test.each([
  ["GET", "/reports/a?acl"],
  ["GET", "/reports?policy"],
  ["PUT", "/reports/a?uploads"],
  ["PUT", "/reports/a?partNumber=1&uploadId=b"],
  ["PUT", "/reports"],
  ["DELETE", "/reports"],
  ["GET", "/"],
  ["POST", "/reports?delete"],
])("%s %s is no route of it", async (method, path) => {
  await using broker = await brokerFor({ scope: "s3:objects.read" });
  const key = broker.mint(ALL);
  const answer = await broker.ask(`/s3${path}`, { method, key });
  expect(await answer.json()).toMatchObject({ code: "route_unknown" });
  expect(aws.asked).toEqual([]);
});

test("a copy, or chunks, are refused before anything is sent", async () => {
  await using broker = await brokerFor({ scope: "s3:objects.write" });
  const key = broker.mint(ALL);
  const copied = await broker.ask("/s3/reports/a?x-id=CopyObject", { method: "PUT", key });
  expect(await copied.json()).toMatchObject({ code: "secret_unavailable" });
  const source = { "x-amz-copy-source": "/others/a" };
  const named = await broker.ask("/s3/reports/a", { method: "PUT", key, headers: source });
  expect(await named.json()).toMatchObject({ code: "secret_unavailable" });
  const headers = { "content-encoding": "aws-chunked" };
  const init = { method: "PUT", key, headers, body: "1\r\na\r\n0\r\n\r\n" };
  const chunked = await broker.ask("/s3/reports/a", init);
  expect(await chunked.json()).toMatchObject({ code: "secret_unavailable" });
  expect(aws.asked).toEqual([]);
});

test("a path that a client encodes in another way is signed as AWS reads it", async () => {
  const grant = { scope: "s3:objects.read", where: { bucket: "reports" } };
  aws.objects.set("reports/a!'(b)*~@=", Buffer.from("hello"));
  await using broker = await brokerFor(grant);
  const answer = await broker.ask("/s3/reports/a!'(b)*%7e@=", { key: broker.mint([grant]) });
  expect(await answer.text()).toBe("hello");
});

test("the caller's own AWS headers do not reach S3", async () => {
  const grant = { scope: "s3:objects.read", where: { bucket: "reports" } };
  aws.objects.set("reports/a", Buffer.from("hello"));
  await using broker = await brokerFor(grant);
  const headers = { "x-amz-security-token": "mine", "x-amz-date": "20000101T000000Z" };
  const answer = await broker.ask("/s3/reports/a", { key: broker.mint([grant]), headers });
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe("hello");
});

test("STS that refuses is told by its kind alone", async () => {
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "another/secret");
  const role = roleOf();
  const narrowed = role.narrow({ scope: "s3:objects.read" });
  if (narrowed === undefined) throw new Error("no policy");
  const failed = await role.issue(narrowed).catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: "secret_unavailable" });
  expect(inspect(failed)).toContain("(SignatureDoesNotMatch)");
  expect(inspect(failed, { depth: 9 })).not.toContain("another/secret");
  expect(aws.assumed).toEqual([]);
});
