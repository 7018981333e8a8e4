/** Where a service is reached, when it is not at its vendor's usual address. */
export interface PlacedAt {
  /** Scheme, host and path prefix. `http` only with `network: "private"`. Default: the vendor's. */
  readonly baseUrl?: string | undefined;
  /** `"private"` for a host on loopback or in a private network. Default `"public"`: such hosts are refused. */
  readonly network?: "public" | "private" | undefined;
}
