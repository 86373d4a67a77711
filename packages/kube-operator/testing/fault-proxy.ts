// A TCP proxy that does to connections what networks do: delay, silence, resets, cut answers. Knows no protocol.
import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { type Clock, sleep, systemClock } from "../src/clock.ts";

export type ProxyFault =
  | { readonly kind: "none" }
  /** What the server sends arrives later, in order. */
  | { readonly kind: "delay"; readonly ms: number }
  /** Half open: both ends believe that they are connected, and nothing passes. */
  | { readonly kind: "silence" }
  /** The connection breaks after this many bytes from the server. */
  | { readonly kind: "truncate"; readonly afterBytes: number }
  /** New connections break at once. */
  | { readonly kind: "refuse" };

export interface FaultProxy {
  readonly port: number;
  readonly connectionCount: number;
  /** What happens from now on, to connections that are open as well. */
  set(fault: ProxyFault): void;
  /** Breaks the connections that are open. */
  reset(): void;
  close(): Promise<void>;
}

export async function faultProxy(targetPort: number, clock: Clock = systemClock): Promise<FaultProxy> {
  let fault: ProxyFault = { kind: "none" };
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    if (fault.kind === "refuse") {
      client.resetAndDestroy();
      return;
    }
    const upstream = createConnection({ host: "127.0.0.1", port: targetPort });
    clients.add(client);
    join(client, upstream, clock, () => fault);
    client.once("close", () => clients.delete(client));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const breakAll = (): void => {
    for (const client of clients) client.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    get connectionCount() {
      return clients.size;
    },
    set(next) {
      fault = next;
    },
    reset: breakAll,
    async close() {
      server.close();
      breakAll();
      await once(server, "close");
    },
  };
}

function join(client: Socket, upstream: Socket, clock: Clock, faultNow: () => ProxyFault): void {
  let bytes = 0;
  // Chunks leave in the order in which they came, however long each of them is held.
  let delivered: Promise<void> = Promise.resolve();
  const answer = (chunk: Buffer): void => {
    const fault = faultNow();
    if (fault.kind === "silence") return;
    bytes += chunk.length;
    if (fault.kind === "truncate" && bytes > fault.afterBytes) {
      client.write(chunk.subarray(0, Math.max(0, chunk.length - (bytes - fault.afterBytes))), () => client.destroy());
      return;
    }
    const delayMs = fault.kind === "delay" ? fault.ms : 0;
    const due = delayMs > 0 ? sleep(clock, delayMs) : Promise.resolve();
    delivered = delivered.then(() => due).then(() => void (client.writable && client.write(chunk)));
  };
  upstream.on("data", answer);
  client.on("data", (chunk) => {
    if (faultNow().kind !== "silence") upstream.write(chunk);
  });
  upstream.once("end", () => {
    if (faultNow().kind !== "silence") delivered.then(() => client.end());
  });
  client.once("end", () => upstream.end());
  client.once("close", () => upstream.destroy());
  upstream.once("close", () => {
    if (faultNow().kind !== "silence") delivered.then(() => client.destroy());
  });
  // The other end hears of it by the close that follows.
  client.on("error", () => {});
  upstream.on("error", () => client.resetAndDestroy());
}
