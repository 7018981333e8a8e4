import type { RoutesOf } from "../routes-of.ts";
import { reading, writing } from "./method.ts";
import type { SlackScope } from "./names.ts";

const paging = ["limit{int}", "cursor"];
const between = ["oldest", "latest", "inclusive{boolean}", "include_all_metadata{boolean}"];

/**
 * Channels, groups and direct messages. Slack has these scopes once for each kind (channels:read,
 * groups:read, im:read, mpim:read); here they are one, and the kinds that the credential has decide.
 */
export const conversations: RoutesOf<
  SlackScope,
  | "conversations.read"
  | "conversations.history"
  | "conversations.open"
  | "conversations.join"
  | "conversations.write"
> = {
  "conversations.read": [
    ...reading("conversations.list", "types", "exclude_archived{boolean}", "team_id", ...paging),
    ...reading(
      "conversations.info",
      "channel",
      "include_locale{boolean}",
      "include_num_members{boolean}",
    ),
    ...reading("conversations.members", "channel", ...paging),
    ...reading(
      "users.conversations",
      "user",
      "types",
      "exclude_archived{boolean}",
      "team_id",
      ...paging,
    ),
  ],
  "conversations.history": [
    ...reading("conversations.history", "channel", ...between, ...paging),
    ...reading("conversations.replies", "channel", "ts", ...between, ...paging),
  ],
  "conversations.open": [
    writing(
      "conversations.open",
      "channel",
      "users",
      "return_im{boolean}",
      "prevent_creation{boolean}",
    ),
    writing("conversations.close", "channel"),
  ],
  "conversations.join": [
    writing("conversations.join", "channel"),
    writing("conversations.leave", "channel"),
  ],
  "conversations.write": [
    writing("conversations.create", "name", "is_private{boolean}", "team_id"),
    writing("conversations.invite", "channel", "users", "force{boolean}"),
    writing("conversations.kick", "channel", "user"),
    writing("conversations.rename", "channel", "name"),
    writing("conversations.archive", "channel"),
    writing("conversations.unarchive", "channel"),
    writing("conversations.setTopic", "channel", "topic"),
    writing("conversations.setPurpose", "channel", "purpose"),
    writing("conversations.mark", "channel", "ts"),
  ],
};
