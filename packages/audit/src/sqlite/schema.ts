/** What `PRAGMA user_version` says of a file of ours. */
export const SCHEMA_VERSION = 1;

/** Partial, where most lines have no such thing: what is not in an index costs nothing to insert. */
export const SCHEMA = `
CREATE TABLE events (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  writer TEXT NOT NULL, seq INTEGER NOT NULL, time TEXT NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL,
  iss TEXT, key_id TEXT, parent_id TEXT, agent TEXT, user_id TEXT, txn TEXT, tool TEXT, call_id TEXT,
  id_end TEXT, code TEXT, outcome TEXT, scopes TEXT NOT NULL, line TEXT NOT NULL,
  UNIQUE (writer, seq)
) STRICT;
CREATE INDEX events_time ON events (time);
CREATE INDEX events_id ON events (id);
CREATE INDEX events_key_id ON events (key_id) WHERE key_id IS NOT NULL;
CREATE INDEX events_parent_id ON events (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX events_call_id ON events (call_id) WHERE call_id IS NOT NULL;
CREATE INDEX events_id_end ON events (id_end) WHERE id_end IS NOT NULL;
CREATE INDEX events_agent ON events (agent) WHERE agent IS NOT NULL;
CREATE INDEX events_user_id ON events (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX events_tool ON events (tool) WHERE tool IS NOT NULL;
CREATE INDEX events_type ON events (type);
`;
