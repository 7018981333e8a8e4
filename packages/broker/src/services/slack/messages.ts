import type { RoutesOf } from "../routes-of.ts";
import { reading, writing } from "./method.ts";
import type { SlackScope } from "./names.ts";

/** Who a message seems to be from; Slack wants chat:write.customize for it. */
const author = ["as_user{boolean}", "username", "icon_emoji", "icon_url"];
const contents = [
  "text",
  "blocks{json}",
  "attachments{json}",
  "markdown_text",
  "parse",
  "link_names{boolean}",
];
const unfurls = ["unfurl_links{boolean}", "unfurl_media{boolean}"];
const thread = ["thread_ts", "reply_broadcast{boolean}"];

/** Messages: Slack's scope chat:write. To find them is of conversations.history and search.read. */
export const messages: RoutesOf<SlackScope, "chat.write" | "chat.read"> = {
  "chat.write": [
    writing(
      "chat.postMessage",
      "channel",
      ...contents,
      ...thread,
      ...author,
      ...unfurls,
      "mrkdwn{boolean}",
      "metadata{json}",
    ),
    writing("chat.postEphemeral", "channel", "user", ...contents, "thread_ts", ...author),
    writing("chat.meMessage", "channel", "text"),
    writing(
      "chat.scheduleMessage",
      "channel",
      "post_at{int}",
      ...contents,
      ...thread,
      ...unfurls,
      "as_user{boolean}",
      "metadata{json}",
    ),
    writing("chat.deleteScheduledMessage", "channel", "scheduled_message_id", "as_user{boolean}"),
    writing(
      "chat.update",
      "channel",
      "ts",
      ...contents,
      "as_user{boolean}",
      "file_ids",
      "metadata{json}",
      "reply_broadcast{boolean}",
    ),
    writing("chat.delete", "channel", "ts", "as_user{boolean}"),
    writing(
      "chat.startStream",
      "channel",
      "thread_ts",
      "markdown_text",
      "chunks",
      "recipient_team_id",
      "recipient_user_id",
      "task_display_mode",
      "icon_emoji",
      "icon_url",
      "username",
    ),
    writing("chat.appendStream", "channel", "ts", "markdown_text", "chunks"),
    writing(
      "chat.stopStream",
      "channel",
      "ts",
      "markdown_text",
      "chunks",
      "blocks{json}",
      "metadata{json}",
      "session_status",
    ),
  ],
  "chat.read": [
    ...reading("chat.getPermalink", "channel", "message_ts"),
    ...reading(
      "chat.scheduledMessages.list",
      "channel",
      "latest",
      "oldest",
      "limit{int}",
      "cursor",
      "team_id",
    ),
  ],
};
