export {
  basic,
  bearer,
  type Credential,
  header,
  query,
  signed,
  token,
  type Unsigned,
} from "./service/credential.ts";
export { type AwsCredentials, sigV4, type SigV4Options } from "./service/sigv4.ts";
export type {
  BodyFormat,
  Method,
  Parameter,
  ParameterLocation,
  ParameterType,
  RefusalAnswer,
  RefusalToTell,
  Route,
  Segment,
  Service,
} from "./service/service.ts";
export type { AskedBody, AskedRequest, Authority, Decision, Forward } from "./decide/decision.ts";
export { authorize } from "./decide/authorize.ts";
export { defineService, type ServiceDefinition } from "./service/define-service.ts";
export type { ParameterTypes, RouteDefinition } from "./service/route-pattern.ts";
export { type BrokerOptions, defineConfig, type IssuerOptions } from "./config.ts";
export { type Broker, createBroker } from "./create-broker.ts";
export type { Limits } from "./engine/limits.ts";
export type { Database, Table } from "./databases/database.ts";
export { definePostgres, type PostgresDefinition } from "./databases/define-postgres.ts";
export type { TlsFiles } from "./server/server.ts";
