import { type Answer, openVendor, type Seen, type Vendor } from "./vendor.ts";

export const SLACK_TOKEN = "xoxb-1234-real-credential";

const MEMBERS = ["U1", "U2", "U3", "U4", "U5"];
const UPLOADED = "F1";

/** The arguments of a call, however they came: Slack takes a query, a form and JSON. */
export function argumentsOf({ method, query, headers, body }: Seen): Record<string, string> {
  if (method === "GET") return Object.fromEntries(query);
  const type = headers["content-type"] ?? "";
  if (type.includes("json")) return JSON.parse(body.toString()) as Record<string, string>;
  return Object.fromEntries(new URLSearchParams(body.toString()));
}

/** Slack's Web API, as its description says what these methods are answered. */
export function openSlack(filesUrl: () => string): Promise<Vendor> {
  return openVendor(
    `Bearer ${SLACK_TOKEN}`,
    { json: { ok: false, error: "invalid_auth" } },
    (request) => {
      const given = argumentsOf(request);
      // A token among the arguments would count before the header.
      if ("token" in given || request.query.has("token")) return no("invalid_auth");
      const { path } = request;
      return path.startsWith("/api/") ? answer(path.slice(5), given, filesUrl()) : undefined;
    },
  );
}

/** Where `files.getUploadURLExternal` sends the bytes. */
export function openSlackFiles(): Promise<Vendor> {
  return openVendor(
    `Bearer ${SLACK_TOKEN}`,
    { status: 403, bytes: Buffer.from("no") },
    (request) => {
      if (request.path === "/upload/v1/ticket-1") return { bytes: Buffer.from("OK - 9") };
      if (request.path === "/files-pri/T1-F1/notes.txt") return { bytes: Buffer.from("the notes") };
      return undefined;
    },
  );
}

function answer(method: string, given: Record<string, string>, filesUrl: string): Answer {
  switch (method) {
    case "auth.test":
      return yes({ team: "Acme", user_id: "UBOT" });
    case "chat.postMessage":
      return postMessage(given);
    case "conversations.members":
      return members(Number(given["limit"]), Number(given["cursor"] ?? 0));
    case "conversations.history":
      return yes({ messages: [{ ts: "1.1", text: "hi" }], has_more: false });
    case "reactions.add":
      return given["name"] === "eyes" ? no("already_reacted") : yes({});
    case "users.list":
      return { status: 429, headers: { "retry-after": "7" }, json: { ok: false } };
    case "files.getUploadURLExternal":
      return yes({ upload_url: `${filesUrl}/upload/v1/ticket-1`, file_id: UPLOADED });
    case "files.completeUploadExternal":
      return yes({ files: JSON.parse(given["files"] ?? "[]") as unknown });
    default:
      return no("unknown_method");
  }
}

function postMessage({ channel, text, blocks }: Record<string, string>): Answer {
  if (channel === "C404") return no("channel_not_found");
  const message = { text, blocks: JSON.parse(blocks ?? "[]") as unknown };
  return {
    headers: {
      "x-oauth-scopes": "chat:write,files:write",
      "x-accepted-oauth-scopes": "chat:write",
    },
    json: { ok: true, channel, ts: "1700000000.000100", message },
  };
}

function members(limit: number, from: number): Answer {
  const next = from + limit;
  const next_cursor = next < MEMBERS.length ? String(next) : "";
  return yes({ members: MEMBERS.slice(from, next), response_metadata: { next_cursor } });
}

function yes(result: object): Answer {
  return { json: { ok: true, ...result } };
}

function no(error: string): Answer {
  return { json: { ok: false, error } };
}
