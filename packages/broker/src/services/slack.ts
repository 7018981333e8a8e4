import { bearer } from "../service/credential.ts";
import { defineService } from "../service/define-service.ts";
import type { Service } from "../service/service.ts";
import type { PlacedAt } from "./placed-at.ts";
import type { RoutesOf } from "./routes-of.ts";
import { conversations } from "./slack/conversations.ts";
import { items } from "./slack/items.ts";
import { messages } from "./slack/messages.ts";
import type {
  SlackFilesParameter,
  SlackFilesScope,
  SlackParameter,
  SlackScope,
} from "./slack/names.ts";
import { people } from "./slack/people.ts";

const scopes: RoutesOf<SlackScope> = { ...messages, ...conversations, ...people, ...items };

/**
 * Slack's Web API at another address.
 *
 * @throws TypeError when `baseUrl` is not an https URL.
 */
export function defineSlack({ baseUrl = "https://slack.com/api", network }: PlacedAt = {}): Service<
  SlackScope,
  SlackParameter
> {
  return defineService({
    name: "slack",
    baseUrl,
    network,
    credential: bearer(),
    scopes,
    foreignCredentials: ["token"],
    // Slack's clients take any other status for a fault, and try again for half an hour.
    refusal: ({ code, message }) => ({ status: 200, body: { ok: false, error: code, message } }),
  }) as Service<SlackScope, SlackParameter>;
}

/**
 * Slack's Web API: messages, conversations, people, reactions, pins, bookmarks, files, views and search.
 * Methods and arguments agree with Slack's OpenAPI description 1.7.0 where it has them, and with the
 * method reference (docs.slack.dev) where it is older than the method; scopes follow Slack's own.
 *
 * A refusal is told as Slack tells one: status 200 and `{ ok: false, error: <code> }`. What `keyFetch`
 * itself rejects with, such as `egress_denied`, its WebClient retries for half an hour, as it does every
 * failure of the network: give it `retryConfig: { retries: 0 }`, for no retry outlives a key.
 */
export const slack: Service<SlackScope, SlackParameter> = defineSlack();

/** Slack's file host at another address. */
export function defineSlackFiles({
  baseUrl = "https://files.slack.com",
  network,
}: PlacedAt = {}): Service<SlackFilesScope, SlackFilesParameter> {
  return defineService({
    name: "slack-files",
    baseUrl,
    network,
    credential: bearer(),
    scopes: {
      upload: [{ route: "POST /upload/:ticket*", bytes: true }],
      read: ["GET /files-pri/:file*", "GET /files-tmb/:file*"],
    },
  });
}

/**
 * The host that Slack's files live on: what `files.getUploadURLExternal` names takes the bytes, and
 * `url_private` gives them. Without it an upload by `keyFetch` ends at `egress_denied`. A client that was
 * given the broker's URL sends the bytes there by itself: the upload's URL is its own ticket.
 */
export const slackFiles: Service<SlackFilesScope, SlackFilesParameter> = defineSlackFiles();
