import { beforeEach, describe, expect, test } from "vitest";
import type { KubeApi } from "../src/kube-api.ts";
import { fencedKubeApi, LeaseLostError } from "../src/leader.ts";
import { holdLease, type LeaseEnd, type LeaseObject, type LeaseSettings, leases } from "../src/lease.ts";
import { type Log, silentLog } from "../src/log.ts";
import type { Resource } from "../src/object.ts";
import { type ManualClock, type MemoryKubeApi, manualClock, memoryKubeApi } from "../testing/index.ts";

const key = { namespace: "kube-system", name: "operator" };

let clock: ManualClock;
let api: MemoryKubeApi;
beforeEach(() => {
  clock = manualClock(Date.parse("2026-01-01T12:00:00.123Z"));
  api = memoryKubeApi({ clock });
});

interface Candidate {
  readonly stop: AbortController;
  readonly ended: Promise<LeaseEnd>;
  /** Until when it may write; 0: not at all. */
  validUntil(): number;
  isLeading(): boolean;
  /** While false it does not renew. */
  setAlive(isAlive: boolean): void;
}

function aCandidate(
  identity: string,
  settings: Partial<LeaseSettings> = {},
  skewMs = 0,
  log: Log = silentLog,
): Candidate {
  const stop = new AbortController();
  let validUntil = 0;
  let isAlive = true;
  const ended = holdLease(
    {
      api,
      settings: { ...key, identity, ...settings },
      // A machine whose wall clock is wrong.
      clock: { ...clock, now: () => clock.now() + skewMs, monotonic: clock.monotonic },
      random: () => 0.5,
      log,
      onValidUntil: (ms) => {
        validUntil = ms;
      },
      isAlive: () => isAlive,
    },
    stop.signal,
  );
  return {
    stop,
    ended,
    validUntil: () => validUntil,
    isLeading: () => clock.monotonic() < validUntil,
    setAlive: (alive) => {
      isAlive = alive;
    },
  };
}

async function spec(): Promise<LeaseObject["spec"]> {
  return (await api.get(leases, key)).spec;
}

/** Refuses what a candidate writes, as a partition would. */
function cutOff(identity: string): () => void {
  return api.fail(({ body }) =>
    (body as LeaseObject | undefined)?.spec?.holderIdentity === identity ? "reset" : undefined,
  );
}

describe("taking", () => {
  test("the first one creates the lease, with times of six digits", async () => {
    const first = aCandidate("first");
    await clock.advance(0);
    expect(first.isLeading()).toBe(true);
    expect(await spec()).toEqual({
      holderIdentity: "first",
      leaseDurationSeconds: 15,
      acquireTime: "2026-01-01T12:00:00.123000Z",
      renewTime: "2026-01-01T12:00:00.123000Z",
      leaseTransitions: 0,
    });
  });

  test("of ten that begin at once one leads", async () => {
    const candidates = Array.from({ length: 10 }, (_, i) => aCandidate(`${i}`));
    for (let second = 0; second < 30; second++) {
      await clock.advance(1000);
      expect(candidates.filter((each) => each.isLeading())).toHaveLength(1);
    }
  });

  test("who does not get it says once for whom it stands by, and that it leads when it does", async () => {
    const lines: object[] = [];
    const log: Log = { ...silentLog, info: (fields, message) => lines.push({ ...fields, message }) };
    const first = aCandidate("first");
    await clock.advance(0);
    aCandidate("second", {}, 0, log);
    await clock.advance(60_000);
    first.stop.abort();
    await first.ended;
    await clock.advance(5_000);
    expect(lines).toEqual([
      { lease: "operator", holder: "first", message: "standing by, another holds the lease" },
      { lease: "operator", identity: "second", message: "leading" },
    ]);
  });

  test("a lease whose holder is gone is taken when it has been seen unchanged for its time", async () => {
    const first = aCandidate("first");
    await clock.advance(0);
    cutOff("first");
    await clock.advance(5_000);
    const second = aCandidate("second");
    await clock.advance(14_000);
    expect(second.isLeading()).toBe(false);
    await clock.advance(4_000);
    expect([first.isLeading(), second.isLeading()]).toEqual([false, true]);
    expect(await spec()).toMatchObject({ holderIdentity: "second", leaseTransitions: 1 });
  });

  test.each([
    ["an hour ahead", 3_600_000],
    ["an hour behind", -3_600_000],
  ])("a wall clock that is %s changes nothing: the remote time is not read", async (_, skewMs) => {
    const first = aCandidate("first");
    await clock.advance(0);
    const second = aCandidate("second", {}, skewMs);
    await clock.advance(120_000);
    expect([first.isLeading(), second.isLeading()]).toEqual([true, false]);
    cutOff("first");
    await clock.advance(20_000);
    expect([first.isLeading(), second.isLeading()]).toEqual([false, true]);
  });

  test("after a restart under the same identity the lease is taken at once", async () => {
    aCandidate("first");
    await clock.advance(0);
    const again = aCandidate("first");
    await clock.advance(0);
    expect(again.isLeading()).toBe(true);
    expect(await spec()).toMatchObject({ leaseTransitions: 0 });
  });
});

describe("keeping", () => {
  test("it is renewed as long as it is held, with one request each time", async () => {
    const first = aCandidate("first");
    await clock.advance(0);
    const requests: string[] = [];
    api.fail(({ verb }) => {
      requests.push(verb);
      return undefined;
    });
    await clock.advance(60_000);
    expect(first.isLeading()).toBe(true);
    expect(new Set(requests)).toEqual(new Set(["replace"]));
    expect(requests.length).toBeLessThanOrEqual(30);
    expect(await spec()).toMatchObject({ acquireTime: "2026-01-01T12:00:00.123000Z" });
  });

  test("an outage that is shorter than the time for renewal costs nothing", async () => {
    const first = aCandidate("first");
    await clock.advance(0);
    const recovers = cutOff("first");
    await clock.advance(7_000);
    recovers();
    await clock.advance(60_000);
    expect(first.isLeading()).toBe(true);
  });

  test("who cannot renew stops five seconds before another may take over", async () => {
    const first = aCandidate("first");
    await clock.advance(0);
    cutOff("first");
    await clock.advance(9_999);
    expect(first.isLeading()).toBe(true);
    await clock.advance(1);
    expect(first.isLeading()).toBe(false);
    expect(await first.ended).toBe("lost");
  });

  test("who does not get on with its work is not renewed", async () => {
    const first = aCandidate("first");
    await clock.advance(0);
    first.setAlive(false);
    await clock.advance(10_000);
    expect(await first.ended).toBe("lost");
  });

  test("an answer that comes too late does not revive the term", async () => {
    const gate = Promise.withResolvers<void>();
    const slowApi: KubeApi = {
      ...fencedKubeApi(api, { mayWrite: () => true }),
      // Deaf to its signal.
      replace: (resource, object) => gate.promise.then(() => api.replace(resource, object)),
    };
    const granted: number[] = [];
    const settings = { ...key, identity: "first" };
    const onValidUntil = (ms: number): void => void granted.push(ms);
    const options = { api: slowApi, settings, clock, random: () => 0, log: silentLog, onValidUntil };
    const ended = holdLease(options, new AbortController().signal);
    await clock.advance(12_000);
    gate.resolve();
    await clock.advance(0);
    expect(await ended).toBe("lost");
    expect(granted).toEqual([10_000, 0]);
  });

  test("a server that never answers cannot stretch the term", async () => {
    const hungApi: KubeApi = {
      ...fencedKubeApi(api, { mayWrite: () => true }),
      replace: (_resource, _object, options) =>
        new Promise((_, reject) => options?.signal?.addEventListener("abort", () => reject(options.signal?.reason))),
    };
    let end: LeaseEnd | undefined;
    const settings = { ...key, identity: "first" };
    const options = { api: hungApi, settings, clock, random: () => 0, log: silentLog, onValidUntil: () => {} };
    void holdLease(options, new AbortController().signal).then((ended) => {
      end = ended;
    });
    await clock.advance(9_999);
    expect(end).toBeUndefined();
    await clock.advance(1);
    expect(end).toBe("lost");
  });

  test("a stolen lease is noticed at the next renewal", async () => {
    const first = aCandidate("first");
    await clock.advance(0);
    const stolen = await api.get(leases, key);
    await api.replace(leases, { ...stolen, spec: { ...stolen.spec, holderIdentity: "thief" } });
    await clock.advance(2_300);
    expect([await first.ended, first.validUntil()]).toEqual(["lost", 0]);
    expect(await spec()).toMatchObject({ holderIdentity: "thief" });
  });

  test("a deleted lease is made again by its holder", async () => {
    const first = aCandidate("first");
    await clock.advance(0);
    await api.delete(leases, key);
    await clock.advance(6_000);
    expect([first.isLeading(), (await spec())?.holderIdentity]).toEqual([true, "first"]);
  });

  test("a change by another hand that leaves the holder costs one attempt", async () => {
    const first = aCandidate("first");
    await clock.advance(0);
    await api.patch(leases, key, { type: "merge", body: { metadata: { labels: { seen: "yes" } } } });
    await clock.advance(20_000);
    expect(first.isLeading()).toBe(true);
  });
});

describe("giving back", () => {
  test("after a clean stop the next one need not wait", async () => {
    const first = aCandidate("first");
    await clock.advance(0);
    const second = aCandidate("second");
    first.stop.abort();
    expect(await first.ended).toBe("released");
    await clock.advance(2_500);
    expect([first.isLeading(), second.isLeading()]).toEqual([false, true]);
  });

  test("who never held it gives nothing back", async () => {
    aCandidate("first");
    await clock.advance(0);
    const second = aCandidate("second");
    await clock.advance(1000);
    second.stop.abort();
    expect(await second.ended).toBe("released");
    expect(await spec()).toMatchObject({ holderIdentity: "first" });
  });

  test("a lease that cannot be given back expires", async () => {
    const first = aCandidate("first");
    await clock.advance(0);
    cutOff("");
    first.stop.abort();
    expect(await first.ended).toBe("released");
    expect(await spec()).toMatchObject({ holderIdentity: "first" });
  });
});

test("times that could not work are refused", async () => {
  await expect(aCandidate("first", { leaseMs: 10_000 }).ended).rejects.toThrow("leaseMs > renewMs");
});

describe("the fence", () => {
  const configMaps: Resource = { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true };
  const manifest = { apiVersion: "v1", kind: "ConfigMap", metadata: { namespace: "default", name: "a" } };

  test("without the lease nothing is written, by whatever verb", async () => {
    await api.create(configMaps, manifest);
    const before = api.resourceVersion;
    const fenced = fencedKubeApi(api, { mayWrite: () => false });
    const name = { namespace: "default", name: "a" };
    const writes = [
      fenced.create(configMaps, { ...manifest, metadata: { ...name, name: "b" } }),
      fenced.replace(configMaps, manifest),
      fenced.patch(configMaps, name, { type: "merge", body: { data: { a: "1" } } }),
      fenced.delete(configMaps, name),
      fenced.request("POST", "/api/v1/namespaces/default/configmaps", manifest),
      fenced.request("DELETE", "/api/v1/namespaces/default/configmaps/a"),
    ];
    for (const write of writes) await expect(write).rejects.toThrow(LeaseLostError);
    expect(api.resourceVersion).toBe(before);
  });

  test("reading needs no lease", async () => {
    await api.create(configMaps, manifest);
    const fenced = fencedKubeApi(api, { mayWrite: () => false });
    expect((await fenced.list(configMaps)).items).toHaveLength(1);
    expect(await fenced.get(configMaps, { namespace: "default", name: "a" })).toMatchObject({ kind: "ConfigMap" });
  });
});
