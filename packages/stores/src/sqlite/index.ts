/**
 * Shared state in one SQLite file: for all processes of one machine.
 *
 * @module
 */
export { type SqliteStore, sqliteStore, type SqliteStoreOptions } from "./sqlite-store.ts";
