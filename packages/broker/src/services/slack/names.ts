/** A scope of the service `slack`. */
export type SlackScope =
  | "slack:chat.write"
  | "slack:chat.read"
  | "slack:conversations.read"
  | "slack:conversations.history"
  | "slack:conversations.open"
  | "slack:conversations.join"
  | "slack:conversations.write"
  | "slack:auth.read"
  | "slack:users.read"
  | "slack:users.email"
  | "slack:users.write"
  | "slack:users.profile.read"
  | "slack:users.profile.write"
  | "slack:usergroups.read"
  | "slack:team.read"
  | "slack:emoji.read"
  | "slack:reactions.read"
  | "slack:reactions.write"
  | "slack:pins.read"
  | "slack:pins.write"
  | "slack:bookmarks.read"
  | "slack:bookmarks.write"
  | "slack:files.read"
  | "slack:files.write"
  | "slack:search.read"
  | "slack:views.write";

/** Every parameter that some method of the service `slack` declares. */
export const slackParameters = [
  "alt_text",
  "as_user",
  "attachments",
  "blocks",
  "bookmark_id",
  "bot",
  "channel",
  "channel_id",
  "channels",
  "chunks",
  "count",
  "cursor",
  "domain",
  "email",
  "emoji",
  "entity_id",
  "exclude_archived",
  "external_id",
  "file",
  "file_comment",
  "file_ids",
  "filename",
  "files",
  "force",
  "full",
  "hash",
  "highlight",
  "icon_emoji",
  "icon_url",
  "include_all_metadata",
  "include_categories",
  "include_count",
  "include_disabled",
  "include_labels",
  "include_locale",
  "include_num_members",
  "include_users",
  "inclusive",
  "initial_comment",
  "interactivity_pointer",
  "is_private",
  "latest",
  "length",
  "limit",
  "link",
  "link_names",
  "markdown_text",
  "message_ts",
  "metadata",
  "mrkdwn",
  "name",
  "oldest",
  "page",
  "parent_id",
  "parse",
  "post_at",
  "presence",
  "prevent_creation",
  "profile",
  "purpose",
  "query",
  "recipient_team_id",
  "recipient_user_id",
  "reply_broadcast",
  "return_im",
  "scheduled_message_id",
  "session_status",
  "show_files_hidden_by_limit",
  "snippet_type",
  "sort",
  "sort_dir",
  "task_display_mode",
  "team",
  "team_id",
  "text",
  "thread_ts",
  "timestamp",
  "title",
  "topic",
  "trigger_id",
  "ts",
  "ts_from",
  "ts_to",
  "type",
  "types",
  "unfurl_links",
  "unfurl_media",
  "user",
  "user_id",
  "usergroup",
  "username",
  "users",
  "value",
  "view",
  "view_id",
] as const;

/** What `where` may name. */
export type SlackParameter = (typeof slackParameters)[number];

/** A scope of the service `slack-files`. */
export type SlackFilesScope = "slack-files:upload" | "slack-files:read";

/** A parameter that some route of the service `slack-files` declares. */
export type SlackFilesParameter = "ticket" | "file";
