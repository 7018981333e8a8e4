/** A record in a database, to be read. */
export interface AuditRecord extends AsyncDisposable {
  /** What an error or a heading calls it. Without a password. */
  readonly name: string;
  /**
   * The lines that a query finds, some at a time: never all in memory. It may find more than is asked
   * for where a name is very long: whoever asks looks at the event itself.
   *
   * @throws Error that says why the database could not be read, without what it was asked.
   */
  lines(query: RecordQuery): AsyncIterable<readonly RecordLine[]>;
}

/** One line, and where it stands in the record. */
export interface RecordLine {
  /** Counts up, with gaps. */
  readonly position: number;
  /** The exact line that was written. */
  readonly line: string;
  /** False when a column, by which filters find the line, says something else. Only where asked for. */
  readonly agrees?: boolean | undefined;
}

/** Which lines. Members that are empty or absent mean all; values of one are alternatives. */
export interface RecordQuery {
  readonly order: "oldest" | "newest";
  /** Whether each line's columns are compared with it. Default false. */
  readonly compared?: boolean | undefined;
  /** Only lines that were added after the one at this position. */
  readonly after?: number | undefined;
  readonly agents?: readonly string[] | undefined;
  readonly users?: readonly string[] | undefined;
  readonly tools?: readonly string[] | undefined;
  /** Scopes, or patterns such as `github:*`. */
  readonly scopes?: readonly string[] | undefined;
  readonly types?: readonly string[] | undefined;
  readonly outcomes?: readonly string[] | undefined;
  /** The first and the last moment, in milliseconds since the epoch. */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  /** Only calls whose key, tool call or event has an id that begins with this, or ends with it. */
  readonly idLike?: string | undefined;
  /** Only what is about one of these ids: of an event, a key, its parent or a tool call. */
  readonly about?: readonly string[] | undefined;
}
