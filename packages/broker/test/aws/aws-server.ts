// STS and S3 on loopback, as far as the tests need them, written from knowledge of these documents and not
// checked against their text or a machine-readable model: "AWS Security Token Service API Reference"
// (2011-06-15, AssumeRole), "Amazon S3 API Reference" (2006-03-01: GetObject, HeadObject, PutObject,
// DeleteObject, ListObjectsV2, Error responses) and "Create a signed AWS API request" (Signature Version 4,
// IAM User Guide). Looked up: the least and most of RoleArn and Policy, Policy's characters and the least
// duration (reference of aws-java-sdk-sts 1.10.27). Signatures are verified here from the algorithm, with no
// code of a client or of ours.
import { createHash, createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { admits } from "./evaluate-policy.ts";

/** Who may ask STS. */
export const BASE = { accessKeyId: "AKIABASEEXAMPLE00000", secretAccessKey: "base/secret+0000" };

interface Session {
  readonly secret: string;
  readonly token: string;
  readonly policy: string;
}

export interface AwsServer extends AsyncDisposable {
  readonly url: string;
  /** Parameters of each AssumeRole. */
  readonly assumed: URLSearchParams[];
  /** Each request to S3 whose signature was right, and what the session's policy said. */
  readonly asked: { readonly action: string; readonly path: string; readonly allowed: boolean }[];
  readonly objects: Map<string, Buffer>;
}

export async function openAws(): Promise<AwsServer> {
  const sessions = new Map<string, Session>();
  const assumed: AwsServer["assumed"] = [];
  const asked: AwsServer["asked"] = [];
  const objects: AwsServer["objects"] = new Map();
  const sts = (body: string): [number, string] => {
    const given = new URLSearchParams(body);
    const broken = violations(given);
    if (broken.length > 0) return [400, errorOf("ValidationError", broken.join())];
    assumed.push(given);
    const id = `ASIASESSION${String(assumed.length).padStart(9, "0")}`;
    const session = {
      secret: `session/secret+${assumed.length}`,
      token: `session/token/${"x".repeat(40)}/${assumed.length}`,
      policy: given.get("Policy") ?? "",
    };
    sessions.set(id, session);
    const until = new Date(Date.now() + Number(given.get("DurationSeconds")) * 1_000);
    return [
      200,
      `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>${id}</AccessKeyId><SecretAccessKey>${session.secret}</SecretAccessKey><SessionToken>${session.token}</SessionToken><Expiration>${until.toISOString()}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
    ];
  };
  const s3 = (
    request: IncomingMessage,
    session: Session,
    body: Buffer,
  ): [number, string | Buffer] => {
    const url = new URL(request.url ?? "", "http://s3");
    const [, bucket = "", ...rest] = url.pathname.split("/").map(decodeURIComponent);
    const key = rest.join("/");
    const action = key === "" ? "s3:ListBucket" : (ACTIONS[request.method ?? ""] ?? "none");
    const prefix = url.searchParams.get("prefix");
    const allowed = admits(session.policy, {
      action,
      resource: `arn:aws:s3:::${bucket}${key === "" ? "" : `/${key}`}`,
      context: prefix === null ? {} : { "s3:prefix": prefix },
    });
    const path = `${bucket}/${key}`;
    asked.push({ action, path, allowed });
    if (!allowed) return [403, errorOf("AccessDenied", "Access Denied")];
    if (action === "s3:PutObject") objects.set(path, body);
    if (action === "s3:DeleteObject") {
      objects.delete(path);
      return [204, ""];
    }
    if (action === "s3:ListBucket") {
      const keys = [...objects.keys()].filter((one) => one.startsWith(`${bucket}/${prefix ?? ""}`));
      const contents = keys.map(
        (one) => `<Contents><Key>${one.slice(bucket.length + 1)}</Key></Contents>`,
      );
      return [
        200,
        `<ListBucketResult><Name>${bucket}</Name>${contents.join("")}</ListBucketResult>`,
      ];
    }
    if (action === "s3:PutObject") return [200, ""];
    const found = objects.get(path);
    return found === undefined ? [404, errorOf("NoSuchKey", "no such key")] : [200, found];
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      const id = /Credential=([^/]+)\//.exec(request.headers.authorization ?? "")?.[1] ?? "";
      const session = sessions.get(id);
      const secret = id === BASE.accessKeyId ? BASE.secretAccessKey : session?.secret;
      const answer = (): [number, string | Buffer] => {
        if (secret === undefined) return [403, errorOf("InvalidAccessKeyId", "no such key")];
        if (!isSigned(request, body, secret)) return [403, errorOf("SignatureDoesNotMatch", "no")];
        if (session === undefined) return sts(body.toString());
        if (request.headers["x-amz-security-token"] !== session.token) {
          return [403, errorOf("InvalidToken", "no")];
        }
        return s3(request, session, body);
      };
      const [status, text] = answer();
      // STS, at POST /, wraps its errors.
      const isWrapped = request.method === "POST" && status >= 400;
      const told = isWrapped ? `<ErrorResponse>${String(text)}</ErrorResponse>` : text;
      response.writeHead(status, { "content-type": "text/xml" }).end(told);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    assumed,
    asked,
    objects,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const ACTIONS: Readonly<Record<string, string>> = {
  GET: "s3:GetObject",
  HEAD: "s3:GetObject",
  PUT: "s3:PutObject",
  DELETE: "s3:DeleteObject",
};

/** The constraints of AssumeRole's parameters, as the API reference has them. */
function violations(given: URLSearchParams): readonly string[] {
  return [...given].flatMap(([name, value]) =>
    RULES.get(name)?.test(value) === true ? [] : [name],
  );
}

const RULES: ReadonlyMap<string, RegExp> = new Map([
  ["Action", /^AssumeRole$/],
  ["Version", /^2011-06-15$/],
  ["RoleArn", /^[\t\n\r\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD]{20,2048}$/],
  ["RoleSessionName", /^[\w+=,.@-]{2,64}$/],
  ["Policy", /^[\t\n\r\u0020-\u00FF]{1,2048}$/],
  ["DurationSeconds", /^(?:9\d\d|[1-9]\d{3}|[1-3]\d{4}|4[0-2]\d{3}|43[01]\d\d|43200)$/],
  ["ExternalId", /^[\w+=,.@:/-]{2,1224}$/],
]);

function isSigned(request: IncomingMessage, body: Buffer, secret: string): boolean {
  const { method = "", url = "", headers } = request;
  const [, scope = "", names = "", signature] =
    /^AWS4-HMAC-SHA256 Credential=[^/]+\/([^,]+), SignedHeaders=([^,]+), Signature=(\w+)$/.exec(
      headers.authorization ?? "",
    ) ?? [];
  const [path = "", search = ""] = url.split("?");
  const payload = String(headers["x-amz-content-sha256"] ?? sha256(body));
  if (payload !== "UNSIGNED-PAYLOAD" && payload !== sha256(body)) return false;
  const mustBe = Object.keys(headers).filter(
    (name) => name === "host" || name.startsWith("x-amz-"),
  );
  if (!mustBe.every((name) => names.split(";").includes(name))) return false;
  const query = search
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => pair.split("=").map((part) => uriEncode(decodeURIComponent(part))))
    .map(([name, value = ""]) => `${name}=${value}`)
    .toSorted();
  const canonical = [
    method,
    path
      .split("/")
      .map((part) => uriEncode(decodeURIComponent(part)))
      .join("/"),
    query.join("&"),
    ...names.split(";").map((name) => `${name}:${String(headers[name]).trim()}`),
    "",
    names,
    payload,
  ].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, sha256(canonical)].join("\n");
  const key = scope
    .split("/")
    .reduce<string | Buffer>((last, part) => hmac(last, part), `AWS4${secret}`);
  return hmac(key, toSign).toString("hex") === signature;
}

function sha256(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

function hmac(key: string | Buffer, data: string): Buffer {
  return createHmac("sha256", key).update(data).digest();
}

function uriEncode(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => {
      const one = String.fromCharCode(byte);
      return /[A-Za-z0-9_.~-]/.test(one)
        ? one
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
}

function errorOf(code: string, message: string): string {
  return `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
}
