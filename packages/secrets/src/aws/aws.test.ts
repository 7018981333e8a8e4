import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { AWS_REGION, awsServer, type AwsServer, refusal } from "../../test/aws-server.ts";
import { managed } from "../../test/local-server.ts";
import { refusedBy } from "../../test/refused-by.ts";
import { managedSourceContract } from "../testing/index.ts";
import { aws, ssm } from "./index.ts";

let server: AwsServer;
let folder: string;
const secretAccessKey = `wJalr/${randomUUID()}`;

beforeAll(async () => {
  server = await awsServer();
  folder = mkdtempSync(join(tmpdir(), "agent-keys-aws-"));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

/** An environment that names this server and nothing of the developer's own AWS. */
function environment(extra: Readonly<Record<string, string>>): void {
  vi.unstubAllEnvs();
  for (const name of Object.keys(process.env)) {
    if (name.startsWith("AWS_")) vi.stubEnv(name, undefined);
  }
  vi.stubEnv("AWS_ENDPOINT_URL", server.url);
  vi.stubEnv("AWS_REGION", AWS_REGION);
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  vi.stubEnv("AWS_CONFIG_FILE", join(folder, "config"));
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", join(folder, "credentials"));
  for (const [name, value] of Object.entries(extra)) vi.stubEnv(name, value);
}

const KEY = { AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE", AWS_SECRET_ACCESS_KEY: secretAccessKey };

beforeEach(() => {
  server.faults.length = 0;
  server.isDown = false;
  server.asked.length = 0;
  server.identities.clear();
  server.identities.set(KEY.AWS_ACCESS_KEY_ID, { secretAccessKey });
  environment(KEY);
});

const fresh = (): string => `/prod/${randomUUID()}`;

function put(id: string, text: string | undefined): void {
  if (text === undefined) server.secrets.delete(id);
  else server.secrets.set(id, [...(server.secrets.get(id) ?? []), { id: randomUUID(), text }]);
}

function holding(text: string): string {
  const id = fresh();
  put(id, text);
  return id;
}

const BOTH = [
  ["aws", (id: string) => aws({ id })],
  ["ssm", (id: string) => ssm({ name: id })],
] as const;

describe.each(BOTH)("%s", (_, of) => {
  managedSourceContract({
    test,
    open: () => {
      const id = fresh();
      const throttled = managed(server, (headers) => ({
        ...refusal("ThrottlingException", "Rate exceeded"),
        headers: { "content-type": "application/x-amz-json-1.1", ...headers },
      }));
      return { source: of(id), set: (value) => put(id, value), ...throttled };
    },
  });

  test("every request is signed for what it asks", async () => {
    const id = holding("canary-1");
    server.identities.set(KEY.AWS_ACCESS_KEY_ID, { secretAccessKey: "another" });
    expect(await refusedBy(of(id))).toContain("the AWS credentials are not accepted");
    server.identities.clear();
    expect(await refusedBy(of(id), [secretAccessKey])).toContain("UnrecognizedClientException");
  });

  test.each([
    ["ThrottlingException", refusal("ThrottlingException", "Rate exceeded")],
    ["a server's failure", refusal("InternalServiceError")],
    ["a load balancer's 503", { status: 503, headers: { "retry-after": "0" }, body: "" }],
  ])("%s is tried again", async (_name, fault) => {
    const id = holding("canary-2");
    server.faults.push(fault, fault);
    expect((await of(id).read()).value).toBe("canary-2");
    expect(server.asked).toHaveLength(3);
  });

  test("but not for ever, and then it says so", async () => {
    const id = holding("canary-3");
    const fault = refusal("ThrottlingException", "canary-3 and the rest of it");
    server.faults.push(fault, fault, fault);
    expect(await refusedBy(of(id))).toMatch(/^is out of reach \(ThrottlingException\)$/);
    expect(server.asked).toHaveLength(3);
  });

  test("an error's message is not repeated, whatever it holds", async () => {
    server.faults.push(refusal("AccessDeniedException", `user canary-4 ${secretAccessKey}`));
    const why = await refusedBy(of(fresh()), [secretAccessKey]);
    expect(why).toMatch(/^access is denied \(AccessDeniedException\)$/);
  });

  test("an answer that is none is refused", async () => {
    const answer = { status: 200, headers: { "content-type": "application/x-amz-json-1.1" } };
    server.faults.push({ ...answer, body: "{}" });
    expect(await refusedBy(of(fresh()))).toMatch(/it has no text|the value is empty/);
    const broken = { ...answer, body: '{"SecretString": "canary-5' };
    server.faults.push(broken, broken, broken);
    expect(await refusedBy(of(fresh()))).toMatch(/cannot be read \(SyntaxError\)$/);
  });

  test("who gives up while it is asked gets the reason at once", async () => {
    const controller = new AbortController();
    const source = of(holding("canary-6"));
    const reading = source.read({ signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(reading).rejects.toThrow("enough");
  });

  test("without credentials nothing is asked", async () => {
    environment({});
    expect(await refusedBy(of(holding("canary-7")))).toContain("no AWS credentials were found");
    expect(server.asked).toHaveLength(0);
  });

  test("a profile's credentials are found", async () => {
    // The client reads such a file once in the life of a process.
    const file = join(folder, randomUUID());
    const [id, secret] = Object.values(KEY);
    writeFileSync(file, `[broker]\naws_access_key_id=${id}\naws_secret_access_key=${secret}\n`);
    environment({ AWS_PROFILE: "broker", AWS_SHARED_CREDENTIALS_FILE: file });
    expect((await of(holding("canary-8")).read()).value).toBe("canary-8");
  });

  test("a web identity's credentials are fetched once, and again before they end", async () => {
    const token = join(folder, "token");
    writeFileSync(token, server.web.token);
    server.web.roleArn = "arn:aws:iam::123456789012:role/broker";
    environment({ AWS_WEB_IDENTITY_TOKEN_FILE: token, AWS_ROLE_ARN: server.web.roleArn });
    const exchanges = (): number =>
      server.asked.filter(({ body }) => body.includes("AssumeRoleWithWebIdentity")).length;
    server.web.lifeSeconds = 3_600;
    const source = of(holding("canary-9"));
    await source.read();
    expect((await source.read()).value).toBe("canary-9");
    expect(exchanges()).toBe(1);
    // They end sooner than the client is willing to wait with renewing them.
    server.web.lifeSeconds = 1;
    const shortLived = of(holding("canary-10"));
    await shortLived.read();
    expect((await shortLived.read()).value).toBe("canary-10");
    expect(exchanges()).toBeGreaterThanOrEqual(3);
    writeFileSync(token, "not-the-token");
    expect(await refusedBy(of(holding("canary-11")))).toContain("cannot be read");
  });
});

describe("which secret", () => {
  test("a field of it", async () => {
    const id = holding('{"token":"canary","empty":""}');
    expect((await aws({ id, field: "token" }).read()).value).toBe("canary");
    expect((await ssm({ name: id, field: "token" }).read()).value).toBe("canary");
    const why = async (field: string): Promise<string> => refusedBy(aws({ id, field }));
    expect(await why("constructor")).toBe("has no text in that field");
    expect(await why("empty")).toBe("that field is empty");
    const text = aws({ id: holding("canary {"), field: "token" });
    expect(await refusedBy(text)).toContain("is not JSON, so it has no field");
  });

  test("a version of it", async () => {
    const id = holding("first");
    put(id, "second");
    const [first] = server.secrets.get(id) ?? [];
    const version = first!.id;
    expect((await aws({ id }).read()).value).toBe("second");
    expect((await aws({ id, version }).read()).value).toBe("first");
    expect((await aws({ id, stage: "AWSPREVIOUS" }).read()).value).toBe("first");
    expect((await ssm({ name: id, version }).read()).value).toBe("first");
    expect(await refusedBy(aws({ id, version: randomUUID() }))).toContain("no such version");
    expect(await refusedBy(ssm({ name: id, version: "9" }))).toContain("no such version");
  });

  test("bytes that are text, and bytes that are not", async () => {
    const id = fresh();
    server.secrets.set(id, [{ id: "1", bytes: Buffer.from("Grüße") }]);
    expect((await aws({ id }).read()).value).toBe("Grüße");
    server.secrets.set(id, [{ id: "1", bytes: new Uint8Array([0xff, 0xfe]) }]);
    expect(await refusedBy(aws({ id }))).toContain("the secret is binary, and not UTF-8 text");
  });

  test("an ARN says in which region it is", async () => {
    environment({ ...KEY, AWS_REGION: "us-east-1" });
    const arn = `arn:aws:secretsmanager:${AWS_REGION}:123456789012:secret:${holding("canary")}`;
    expect((await aws({ id: arn }).read()).value).toBe("canary");
    expect(await refusedBy(aws({ id: holding("canary") }))).toContain("are not accepted");
  });

  test("what is no name is not repeated", () => {
    for (const id of [undefined, "", "a b", "x".repeat(3_000), 7]) {
      expect(() => aws({ id: id as string })).toThrow(
        new TypeError("aws: id: must be a name or an ARN"),
      );
      expect(() => ssm({ name: id as string })).toThrow(
        new TypeError("ssm: name: must be a name or an ARN"),
      );
    }
  });

  test("a place that is none is refused at once", () => {
    for (const region of ["", "eu.example", "EU", "a/b"]) {
      expect(() => aws({ id: "a", region })).toThrow("aws: region: must be one");
    }
    expect(() => ssm({ name: "a", endpoint: "http://canary.example" })).toThrow(
      new TypeError("ssm: endpoint: must be an https URL (http only on loopback)"),
    );
  });
});
