import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** An authority's certificate, and a server's that it has signed, for localhost. */
export interface OwnAuthority {
  readonly ca: string;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export function ownAuthority(directory: string): OwnAuthority {
  const at = (name: string): string => join(directory, name);
  const openssl = (...args: readonly string[]): void => {
    execFileSync("openssl", args, { stdio: "pipe" });
  };
  const made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const authority = ["-subj", "/CN=own authority", "-keyout", at("ca.key"), "-out", at("ca.pem")];
  openssl("req", "-x509", ...made, "-days", "2", ...authority);
  const signed = ["-x509", "-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-days", "2"];
  const named = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  openssl("req", ...signed, ...made, ...named, "-keyout", at("own.key"), "-out", at("own.pem"));
  return {
    ca: readFileSync(at("ca.pem"), "utf8"),
    caFile: at("ca.pem"),
    certFile: at("own.pem"),
    keyFile: at("own.key"),
  };
}
