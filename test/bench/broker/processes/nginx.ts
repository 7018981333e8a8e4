// nginx with one worker, in front of the upstream. It ends with this process.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { NginxSetup } from "../contestants.ts";
import { answer } from "./answer.ts";
import { setTimeout as wait } from "node:timers/promises";

let nginx: ChildProcess | undefined;

answer({
  async open({ directory, upstreamPort }: NginxSetup) {
    const home = join(directory, "nginx");
    mkdirSync(home);
    const port = await freePort();
    const file = join(home, "nginx.conf");
    writeFileSync(file, configuration(home, port, upstreamPort));
    nginx = spawn("nginx", ["-e", "stderr", "-p", home, "-c", file], { stdio: "ignore" });
    await accepting(port);
    return port;
  },
  processorMicros: () => workersMicros(nginx?.pid ?? 0),
});
process.on("exit", () => nginx?.kill());

function configuration(home: string, port: number, upstreamPort: number): string {
  const scratch = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${join(home, name)};`)
    .join("\n  ");
  return `daemon off;
worker_processes 1;
pid ${join(home, "nginx.pid")};
events { worker_connections 4096; }
http {
  access_log off;
  ${scratch}
  upstream all { server 127.0.0.1:${upstreamPort}; keepalive 256; }
  server {
    listen 127.0.0.1:${port};
    keepalive_requests 1000000;
    location / {
      proxy_pass http://all;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}
`;
}

/** Of the workers: each thread's first number is nanoseconds on a processor. */
function workersMicros(pid: number): number {
  const workers = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
  const threads = workers.flatMap((worker) =>
    readdirSync(`/proc/${worker}/task`).map((task) => `/proc/${worker}/task/${task}/schedstat`),
  );
  return threads.reduce(
    (sum, path) => sum + Number(readFileSync(path, "utf8").split(" ")[0]) / 1000,
    0,
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function accepting(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const socket = connect(port, "127.0.0.1");
    const open = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (open) return;
    await wait(25);
  }
  throw new Error("nginx does not accept connections");
}
