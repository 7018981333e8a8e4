/**
 * Shared state in Redis or Valkey: for processes of many machines.
 *
 * @module
 */
export type { Connect, RedisAddress, RedisConnection } from "./connection.ts";
export type { RedisStoreOptions } from "./options.ts";
export { type RedisStore, redisStore } from "./redis-store.ts";
