/** Of the tables below. A file of another version is not opened. */
export const SCHEMA_VERSION = 1;

/**
 * Everything is looked up by a name that holds the issuer too; times are milliseconds since the epoch.
 * `dropped` is when a row may go.
 */
export const SCHEMA = `
  CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE counts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO counts (name, value) VALUES ('revocations', 0), ('restorations', 0), ('clockMs', 0);
  CREATE TABLE revocations (id TEXT PRIMARY KEY, revocation TEXT NOT NULL, number INTEGER NOT NULL,
    dropped REAL) STRICT, WITHOUT ROWID;
  CREATE TABLE closed (id TEXT PRIMARY KEY, dropped REAL NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE uses (id TEXT PRIMARY KEY, used INTEGER NOT NULL, dropped REAL NOT NULL)
    STRICT, WITHOUT ROWID;
  CREATE TABLE window_uses (id TEXT NOT NULL, at REAL NOT NULL, reservation TEXT NOT NULL,
    dropped REAL NOT NULL, PRIMARY KEY (id, at, reservation)) STRICT, WITHOUT ROWID;
  CREATE TABLE intents (id TEXT PRIMARY KEY, reservation TEXT NOT NULL, dropped REAL NOT NULL)
    STRICT, WITHOUT ROWID;
  CREATE INDEX revocations_number ON revocations (number);
  CREATE INDEX revocations_dropped ON revocations (dropped);
  CREATE INDEX closed_dropped ON closed (dropped);
  CREATE INDEX uses_dropped ON uses (dropped);
  CREATE INDEX window_uses_dropped ON window_uses (dropped);
  CREATE INDEX intents_dropped ON intents (dropped);
`;

/** The tables whose rows go once their time has come, and what names a row. */
export const PASSING: readonly (readonly [table: string, row: string])[] = [
  ["revocations", "id"],
  ["closed", "id"],
  ["uses", "id"],
  ["window_uses", "id, at, reservation"],
  ["intents", "id"],
];
