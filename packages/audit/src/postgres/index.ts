/**
 * The audit record in PostgreSQL. Needs `pg`.
 *
 * @module
 */
export type { AuditRecord, RecordLine, RecordQuery } from "../record/audit-record.ts";
export type { PostgresClient, PostgresConnection, PostgresPool, PostgresResult } from "./client.ts";
export { openPostgresRecord } from "./postgres-record.ts";
export { type PostgresSink, postgresSink, type PostgresSinkOptions } from "./postgres-sink.ts";
export { postgresSchema } from "./schema.ts";
