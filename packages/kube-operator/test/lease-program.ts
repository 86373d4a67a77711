// A program that only holds a lease, for leader-worker.test.ts, which runs it from source and bundled. Like any program
// with a threadElector it runs its own main on the main thread only.
import { writeSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
import { type Log, silentLog, threadElector } from "../src/index.ts";

if (isMainThread) {
  const [server = "", identity = "", renew = "", busyMs = "0"] = process.argv.slice(2);
  const renewMs = Number(renew);
  const say = (text: string): void => void writeSync(1, `${text}\n`);
  const log: Log = {
    ...silentLog,
    warn: (fields, message) => void writeSync(2, `${message} ${JSON.stringify(fields)}\n`),
  };
  const settings = { namespace: "default", name: "program", identity, leaseMs: 2 * renewMs, renewMs, retryMs: 100 };
  const elector = threadElector({ connection: { server, token: async () => "of-the-program" }, settings, log });
  const stop = new AbortController();
  process.once("SIGTERM", () => stop.abort());
  const end = await elector.run(stop.signal, () => {
    say(`leading, may write: ${elector.mayWrite()}`);
    const freeAt = performance.now() + Number(busyMs);
    while (performance.now() < freeAt);
    say("free");
  });
  say(`${end}, may write: ${elector.mayWrite()}`);
}
