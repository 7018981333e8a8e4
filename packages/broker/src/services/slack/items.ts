import type { RoutesOf } from "../routes-of.ts";
import { reading, writing } from "./method.ts";
import type { SlackScope } from "./names.ts";

const pages = ["count{int}", "page{int}"];
const cursor = ["limit{int}", "cursor"];

/**
 * What hangs on a conversation. A file is shared with `channel_id` or with `channels`: a grant that holds
 * it to one channel says `only: true`, or constrains both. What would make a file public is left out.
 */
export const items: RoutesOf<
  SlackScope,
  | "reactions.read"
  | "reactions.write"
  | "pins.read"
  | "pins.write"
  | "bookmarks.read"
  | "bookmarks.write"
  | "files.read"
  | "files.write"
  | "search.read"
  | "views.write"
> = {
  "reactions.read": [
    ...reading("reactions.get", "channel", "timestamp", "file", "file_comment", "full{boolean}"),
    ...reading("reactions.list", "user", "full{boolean}", "team_id", ...pages, ...cursor),
  ],
  "reactions.write": [
    writing("reactions.add", "channel", "timestamp", "name"),
    writing("reactions.remove", "channel", "timestamp", "name", "file", "file_comment"),
  ],
  "pins.read": [...reading("pins.list", "channel")],
  "pins.write": [
    writing("pins.add", "channel", "timestamp"),
    writing("pins.remove", "channel", "timestamp"),
  ],
  "bookmarks.read": [...reading("bookmarks.list", "channel_id")],
  "bookmarks.write": [
    writing(
      "bookmarks.add",
      "channel_id",
      "title",
      "type",
      "link",
      "emoji",
      "entity_id",
      "parent_id",
    ),
    writing("bookmarks.edit", "channel_id", "bookmark_id", "title", "link", "emoji"),
    writing("bookmarks.remove", "channel_id", "bookmark_id"),
  ],
  "files.read": [
    ...reading("files.info", "file", ...pages, ...cursor),
    ...reading(
      "files.list",
      "channel",
      "user",
      "types",
      "ts_from",
      "ts_to",
      "show_files_hidden_by_limit{boolean}",
      "team_id",
      ...pages,
    ),
  ],
  "files.write": [
    writing("files.getUploadURLExternal", "filename", "length{int}", "alt_text", "snippet_type"),
    writing(
      "files.completeUploadExternal",
      "files{json}",
      "channel_id",
      "channels",
      "thread_ts",
      "initial_comment",
      "blocks{json}",
    ),
    writing("files.delete", "file"),
  ],
  "search.read": [
    ...reading(
      "search.messages",
      "query",
      "highlight{boolean}",
      "sort",
      "sort_dir",
      "team_id",
      "cursor",
      ...pages,
    ),
  ],
  "views.write": [
    writing("views.open", "trigger_id", "interactivity_pointer", "view{json}"),
    writing("views.push", "trigger_id", "interactivity_pointer", "view{json}"),
    writing("views.publish", "user_id", "view{json}", "hash"),
    writing("views.update", "view_id", "external_id", "view{json}", "hash"),
  ],
};
