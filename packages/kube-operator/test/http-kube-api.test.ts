import type { IncomingMessage, ServerResponse } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { sleep, systemClock } from "../src/clock.ts";
import { type HttpKubeApi, type HttpKubeApiOptions, httpKubeApi, type RequestAttempt } from "../src/http-kube-api.ts";
import { ApiError, isForbidden, isNotFound } from "../src/kube-api.ts";
import type { Manifest, Resource } from "../src/object.ts";
import { eventually } from "../testing/eventually.ts";
import { type FaultProxy, faultProxy } from "../testing/fault-proxy.ts";
import { type KubeApiServer, type KubeApiServerOptions, serveKubeApi } from "../testing/http-server.ts";
import { manualClock } from "../testing/manual-clock.ts";
import { type MemoryKubeApi, memoryKubeApi } from "../testing/memory-kube-api.ts";
import { kubeApiContract } from "./kube-api.contract.ts";

const configMaps: Resource = { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true };

const configMap = (name: string, data: Record<string, string> = {}): Manifest => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default" },
  data,
});

const keyOf = (name: string) => ({ namespace: "default", name });

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Rig {
  readonly memory: MemoryKubeApi;
  readonly server: KubeApiServer;
  readonly proxy: FaultProxy;
  readonly api: HttpKubeApi;
  readonly attempts: RequestAttempt[];
}

/** A client, a proxy for faults, a server. Delays between attempts pass at once. */
async function aRig(serverOptions: KubeApiServerOptions = {}, options: HttpKubeApiOptions = {}): Promise<Rig> {
  const memory = memoryKubeApi({ clock: manualClock() });
  const server = await serveKubeApi(memory, serverOptions);
  const proxy = await faultProxy(server.port);
  const attempts: RequestAttempt[] = [];
  const api = httpKubeApi(
    { server: `http://127.0.0.1:${proxy.port}` },
    { onRequest: (attempt) => attempts.push(attempt), clock: impatientClock, ...options },
  );
  closing.push(
    () => server.close(),
    () => proxy.close(),
    () => api.close(),
  );
  return { memory, server, proxy, api, attempts };
}

/** Short delays pass at once, long ones never: those are time limits. */
const impatientClock = {
  ...systemClock,
  after: (delayMs: number, callback: () => void) => systemClock.after(delayMs < 20_000 ? 0 : 1e9, callback),
};

const answer = (response: ServerResponse, code: number, body: unknown, headers: Record<string, string> = {}): true => {
  response.writeHead(code, headers).end(typeof body === "string" ? body : JSON.stringify(body));
  return true;
};

/** Answers the first `count` requests of a method in this way, and lets the rest pass. */
function firstRequests(method: string, count: number, respond: (response: ServerResponse) => true) {
  let left = count;
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    if (request.method !== method || left === 0) return false;
    left -= 1;
    request.resume();
    return respond(response);
  };
}

kubeApiContract("HttpKubeApi, with the API server in memory behind real HTTP", async () => {
  const memory = memoryKubeApi({ clock: manualClock() });
  const server = await serveKubeApi(memory);
  const api = httpKubeApi(server.connection);
  return {
    api,
    wait: () => memory.settle(),
    stop: async () => {
      api.close();
      await server.close();
    },
  };
});

describe("connections", () => {
  test("many requests share one connection", async () => {
    const { api, server } = await aRig();
    for (let count = 0; count < 50; count += 1) await api.request("GET", "/version");
    expect(server.connectionCount).toBe(1);
  });

  test("no more requests are under way than the cap allows, and all are answered", async () => {
    const held: ServerResponse[] = [];
    const before = (_: IncomingMessage, response: ServerResponse): boolean => held.push(response) > 0;
    const { api } = await aRig({ before }, { maxInFlight: 3 });
    let most = 0;
    let answered = 0;
    const all = Promise.all(
      Array.from({ length: 10 }, () => api.request("GET", "/version").then(() => (answered += 1))),
    );
    while (answered < 10) {
      // The next ones come only after an answer, so nothing is missed by waiting for three, or for the last one.
      await eventually(() => held.length >= Math.min(3, 10 - answered));
      most = Math.max(most, held.length);
      const before = answered;
      held.shift()?.end("{}");
      await eventually(() => answered > before);
    }
    await all;
    expect(most).toBe(3);
  });

  test("a burst opens few connections at once, and each answer allows one more", async () => {
    const { api, server } = await aRig({}, { maxInFlight: 20 });
    const burst = (): Promise<unknown> => Promise.all(Array.from({ length: 30 }, () => api.request("GET", "/version")));
    await burst();
    expect(server.connectionCount).toBe(8);
    await burst();
    expect(server.connectionCount).toBe(20);
  });

  test("who gives up while waiting for a place leaves it to others", async () => {
    const held: ServerResponse[] = [];
    const before = (_: IncomingMessage, response: ServerResponse): boolean => held.push(response) > 0;
    const { api } = await aRig({ before }, { maxInFlight: 1 });
    const abort = new AbortController();
    const first = api.request("GET", "/version");
    const second = api.request("GET", "/version", undefined, { signal: abort.signal });
    const third = api.request("GET", "/version");
    abort.abort();
    await expect(second).rejects.toThrow("aborted");
    for (const pending of [first, third]) {
      await eventually(() => held.length > 0);
      for (const response of held.splice(0)) answer(response, 200, { fine: true });
      expect(await pending).toEqual({ fine: true });
    }
  });

  test("who acts as somebody else says so in each request", async () => {
    const said: unknown[] = [];
    const { server } = await aRig({
      before: ({ headers }, response) => {
        said.push([headers["impersonate-user"], headers["impersonate-group"]]);
        return answer(response, 200, {});
      },
    });
    const url = `http://127.0.0.1:${server.port}`;
    for (const actsAs of [
      { user: "alice", groups: ["a", "b"] },
      { user: "bob", groups: [] },
    ]) {
      const api = httpKubeApi({ server: url, actsAs });
      closing.push(() => api.close());
      await api.request("GET", "/version");
    }
    expect(said).toEqual([
      ["alice", "a, b"],
      ["bob", undefined],
    ]);
  });

  test("the server may live below a path", async () => {
    const paths: (string | undefined)[] = [];
    const { server } = await aRig({
      before: (request, response) => {
        paths.push(request.url);
        return answer(response, 200, {});
      },
    });
    const api = httpKubeApi({ server: `http://127.0.0.1:${server.port}/clusters/one/` });
    closing.push(() => api.close());
    await api.request("GET", "/version");
    expect(paths).toEqual(["/clusters/one/version"]);
  });
});

describe("failures", () => {
  test("the server's own words arrive", async () => {
    const { api, memory } = await aRig();
    memory.fail(
      () => new ApiError({ code: 403, reason: "Forbidden", message: 'pods is forbidden: User "a" cannot list' }),
    );
    const failure = await api.list(configMaps).catch((error) => error);
    expect([isForbidden(failure), failure.message]).toEqual([true, 'pods is forbidden: User "a" cannot list']);
  });

  test("an answer that is no Status still says what came", async () => {
    const { api } = await aRig({ before: (_, response) => answer(response, 502, "bad gateway") });
    const failure = await api.get(configMaps, keyOf("one")).catch((error) => error);
    expect(failure).toBeInstanceOf(ApiError);
    expect(failure.status).toEqual({ code: 502, reason: "Unknown", message: "bad gateway" });
  });

  test("a create that the server puts off is sent again after the time that it names", async () => {
    const busy = firstRequests("POST", 1, (response) => answer(response, 429, "busy", { "retry-after": "7" }));
    const delays: number[] = [];
    const clock = {
      ...impatientClock,
      after: (delayMs: number, callback: () => void) => {
        delays.push(delayMs);
        return impatientClock.after(delayMs, callback);
      },
    };
    const { api, attempts } = await aRig({ before: busy }, { clock, random: () => 0 });
    await api.create(configMaps, configMap("one"));
    expect(attempts.map((attempt) => attempt.code)).toEqual(["429", "201"]);
    expect(delays.filter((delayMs) => delayMs < 20_000)).toEqual([7050]);
  });

  test("a server that stays busy is not asked for ever", async () => {
    const { api, attempts } = await aRig({ before: (_, response) => answer(response, 429, "busy") });
    await expect(api.list(configMaps)).rejects.toThrow("busy");
    expect(attempts).toHaveLength(5);
  });

  test("a list whose connection breaks is asked for again", async () => {
    const { api, memory, attempts } = await aRig();
    let resets = 2;
    memory.fail(() => (resets-- > 0 ? "reset" : undefined));
    expect((await api.list(configMaps)).items).toEqual([]);
    expect(attempts.map((attempt) => attempt.code)).toEqual(["<error>", "<error>", "200"]);
  });

  test("a create whose answer is lost is not sent again: it may have been done", async () => {
    const { api, memory, attempts } = await aRig();
    memory.fail(() => "lost");
    await expect(api.create(configMaps, configMap("one"))).rejects.toThrow(/ECONNRESET|socket hang up/);
    expect(attempts).toHaveLength(1);
  });

  test("a JSON patch whose answer is lost is not sent again either", async () => {
    const { api, memory, attempts } = await aRig();
    await memory.create(configMaps, configMap("one"));
    memory.fail(() => "lost");
    const patch = { type: "json", operations: [{ op: "add", path: "/data", value: {} }] } as const;
    await expect(api.patch(configMaps, keyOf("one"), patch)).rejects.toThrow();
    expect(attempts).toHaveLength(1);
  });

  test("a create is sent again when it was never sent: there was no connection", async () => {
    const { server } = await aRig();
    await server.close();
    const attempts: RequestAttempt[] = [];
    const api = httpKubeApi(server.connection, {
      onRequest: (attempt) => attempts.push(attempt),
      clock: impatientClock,
    });
    closing.splice(0, 1, () => api.close());
    await expect(api.create(configMaps, configMap("one"))).rejects.toThrow("ECONNREFUSED");
    expect(attempts).toHaveLength(5);
  });

  test("a delete whose first answer is lost has succeeded when the object is gone at the second", async () => {
    const { api, memory } = await aRig();
    await memory.create(configMaps, configMap("one"));
    let isFirst = true;
    memory.fail(() => {
      const fault = isFirst ? "lost" : undefined;
      isFirst = false;
      return fault;
    });
    expect(await api.delete(configMaps, keyOf("one"))).toBeUndefined();
    expect(isNotFound(await api.delete(configMaps, keyOf("one")).catch((error) => error))).toBe(true);
  });

  test("an answer that does not come within the time limit is an error that names the request", async () => {
    const clock = manualClock();
    const { api, proxy } = await aRig({}, { clock, timeoutMs: 30_000 });
    proxy.set({ kind: "silence" });
    const outcome = api.create(configMaps, configMap("one")).catch((error) => error);
    await eventually(() => proxy.connectionCount === 1);
    await clock.advance(30_000);
    expect((await outcome).message).toContain("POST /api/v1/namespaces/default/configmaps");
    expect((await outcome).message).toContain("got no answer within 30000 ms");
  });

  test("an abort ends a request under way with its reason", async () => {
    const { api, proxy } = await aRig();
    proxy.set({ kind: "silence" });
    const abort = new AbortController();
    const outcome = api.list(configMaps, { signal: abort.signal }).catch((error) => error);
    await eventually(() => proxy.connectionCount === 1);
    abort.abort(new Error("enough"));
    expect((await outcome).message).toBe("enough");
  });

  test("an answer that is cut off is no answer", async () => {
    const { api, proxy, memory, attempts } = await aRig();
    await memory.create(configMaps, configMap("one", { text: "x".repeat(10_000) }));
    proxy.set({ kind: "truncate", afterBytes: 5_000 });
    await expect(api.get(configMaps, keyOf("one"))).rejects.toThrow();
    expect(attempts.length).toBe(5);
  });
});

describe("tokens", () => {
  test("a rejected token is replaced once, and the request goes out again", async () => {
    let valid = "first";
    const memory = memoryKubeApi({ clock: manualClock() });
    const server = await serveKubeApi(memory, { token: () => valid });
    let current = "first";
    const token = async (rejected?: string): Promise<string> => {
      if (rejected !== undefined) current = valid;
      return current;
    };
    const api = httpKubeApi({ ...server.connection, token });
    closing.push(
      () => server.close(),
      () => api.close(),
    );
    await api.create(configMaps, configMap("one"));
    valid = "second";
    await api.create(configMaps, configMap("two"));
    expect((await memory.list(configMaps)).items).toHaveLength(2);
  });
});

describe("streams", () => {
  test("a watch ends quietly when it is aborted, and its connection is closed", async () => {
    const { api, proxy } = await aRig();
    const abort = new AbortController();
    const reading = (async () => {
      for await (const _ of api.watch(configMaps, { signal: abort.signal })) throw new Error("no event was expected");
    })();
    await eventually(() => proxy.connectionCount === 1);
    abort.abort();
    await reading;
    await eventually(() => proxy.connectionCount === 0);
  });

  test("leaving the loop closes the connection too", async () => {
    const { api, proxy, memory } = await aRig();
    await memory.create(configMaps, configMap("one"));
    for await (const event of api.watch(configMaps)) {
      expect(event.type).toBe("ADDED");
      break;
    }
    await eventually(() => proxy.connectionCount === 0);
  });

  test("events larger than a chunk arrive whole, with all their characters", async () => {
    const { api, memory } = await aRig();
    const text = "aé€𝄞".repeat(60_000);
    await memory.create(configMaps, configMap("one", { text }));
    for await (const event of api.watch(configMaps)) {
      expect(event.type !== "ERROR" && "data" in event.object && event.object.data).toEqual({ text });
      break;
    }
  });

  test("each chunk is a sign of life", async () => {
    const { api, memory } = await aRig();
    await memory.create(configMaps, configMap("one"));
    let signs = 0;
    for await (const _ of api.watch(configMaps, { onActivity: () => (signs += 1) })) break;
    expect(signs).toBeGreaterThan(0);
  });

  test("a connection that breaks in the middle of an event is an error, not an end", async () => {
    const { api, proxy, memory } = await aRig();
    await memory.create(configMaps, configMap("one", { text: "x".repeat(10_000) }));
    proxy.set({ kind: "truncate", afterBytes: 5_000 });
    const reading = async (): Promise<void> => {
      for await (const _ of api.watch(configMaps)) throw new Error("no event was expected");
    };
    await expect(reading()).rejects.toThrow("aborted");
  });

  test("a log is followed until its Pod has ended", async () => {
    const { api, memory } = await aRig();
    const pods: Resource = { group: "", version: "v1", kind: "Pod", plural: "pods", namespaced: true };
    await memory.create(pods, { apiVersion: "v1", kind: "Pod", metadata: { name: "one", namespace: "default" } });
    memory.appendLog(keyOf("one"), "first\n");
    const seen: string[] = [];
    for await (const text of api.log(keyOf("one"), { follow: true })) {
      seen.push(text);
      if (seen.length === 1) {
        memory.appendLog(keyOf("one"), "second\n");
        const body = { status: { phase: "Succeeded" } };
        await memory.patch(pods, keyOf("one"), { type: "merge", body }, { subresource: "status" });
      }
    }
    expect(seen.join("")).toBe("first\nsecond\n");
  });
});

test("a pause between attempts ends when the caller gives up", async () => {
  const { api } = await aRig(
    { before: (_, response) => answer(response, 429, "busy", { "retry-after": "60" }) },
    { clock: { ...systemClock, after: (delayMs, callback) => systemClock.after(delayMs + 1e9, callback) } },
  );
  const abort = new AbortController();
  const outcome = api.list(configMaps, { signal: abort.signal }).catch((error) => error);
  await sleep(systemClock, 0);
  abort.abort(new Error("enough"));
  expect((await outcome).message).toBe("enough");
});
