import type { RoutesOf } from "../routes-of.ts";
import { reading, writing } from "./method.ts";
import type { SlackScope } from "./names.ts";

const paging = ["limit{int}", "cursor"];

/** Who is there. Slack has a scope of its own for e-mail addresses, and so has this. */
export const people: RoutesOf<
  SlackScope,
  | "auth.read"
  | "users.read"
  | "users.email"
  | "users.write"
  | "users.profile.read"
  | "users.profile.write"
  | "usergroups.read"
  | "team.read"
  | "emoji.read"
> = {
  "auth.read": [...reading("auth.test")],
  "users.read": [
    ...reading("users.list", "include_locale{boolean}", "team_id", ...paging),
    ...reading("users.info", "user", "include_locale{boolean}"),
    ...reading("users.getPresence", "user"),
    ...reading("bots.info", "bot", "team_id"),
  ],
  "users.email": [...reading("users.lookupByEmail", "email")],
  "users.write": [writing("users.setPresence", "presence")],
  "users.profile.read": [...reading("users.profile.get", "user", "include_labels{boolean}")],
  "users.profile.write": [writing("users.profile.set", "user", "name", "value", "profile{json}")],
  "usergroups.read": [
    ...reading(
      "usergroups.list",
      "include_count{boolean}",
      "include_disabled{boolean}",
      "include_users{boolean}",
      "team_id",
    ),
    ...reading("usergroups.users.list", "usergroup", "include_disabled{boolean}", "team_id"),
  ],
  "team.read": [...reading("team.info", "team", "domain")],
  "emoji.read": [...reading("emoji.list", "include_categories{boolean}")],
};
