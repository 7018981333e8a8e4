import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A key and a certificate that it has signed itself, and the file that holds both. */
export interface OwnCertificate {
  readonly key: string;
  readonly cert: string;
  readonly file: string;
}

/** Makes a certificate for these names, or for a client when there are none. */
export function ownCertificate(directory: string, names: readonly string[]): OwnCertificate {
  const at = (name: string): string => join(directory, `${names[0] ?? "client"}${name}`);
  const alternatives = names.map((name) => `DNS:${name}`).join(",");
  const named = names.length === 0 ? [] : ["-addext", `subjectAltName=${alternatives}`];
  const made = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=own"];
  const files = ["-keyout", at(".key"), "-out", at(".pem")];
  execFileSync("openssl", ["req", "-x509", ...made, ...named, ...files], { stdio: "pipe" });
  const [key, cert] = [readFileSync(at(".key"), "utf8"), readFileSync(at(".pem"), "utf8")];
  return { key, cert, file: at(".pem") };
}
