/** As much of a pool of `pg` as is used. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>;
}

/** As much of a client of `pg` as is used. */
export interface PostgresClient {
  query(text: string, values?: readonly unknown[]): Promise<PostgresResult>;
  /** Gives it back; with `true` it is closed. */
  release(destroy?: boolean): void;
  on(event: "error", listener: () => void): unknown;
  off(event: "error", listener: () => void): unknown;
}

/** What a statement answered. */
export interface PostgresResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly rowCount: number | null;
}

/** Where PostgreSQL is; what is left out comes from `PGHOST`, `PGUSER` and so on. */
export interface PostgresConnection {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly user?: string | undefined;
  /** Or a function that gets it, such as a token that does not last, at each connection. */
  readonly password?: string | (() => string | Promise<string>) | undefined;
  readonly database?: string | undefined;
  /**
   * TLS. `true` checks the server's certificate against the system's roots, `{ ca }` against yours.
   * Default: no TLS, which is for loopback and sockets only.
   */
  readonly ssl?:
    | boolean
    | {
        readonly ca?: string | Buffer | undefined;
        readonly cert?: string | Buffer | undefined;
        readonly key?: string | Buffer | undefined;
        readonly servername?: string | undefined;
        readonly rejectUnauthorized?: boolean | undefined;
      }
    | undefined;
}
