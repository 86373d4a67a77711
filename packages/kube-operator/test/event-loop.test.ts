import { Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import { createStallMeter, watchEventLoop } from "../src/event-loop.ts";
import { runtimeMetrics } from "../src/metrics.ts";

describe("the meter of stalls", () => {
  test("tells the longest time between two beats", () => {
    const meter = createStallMeter(1000, 0);
    meter.beat(1010, 3);
    meter.beat(1100, 93);
    meter.beat(1110, 96);
    expect(meter.take()).toEqual({ elapsedMs: 90, workMs: 90 });
  });

  test("calls work no more than the CPU time that the process used: the rest waited for a core", () => {
    const meter = createStallMeter(0, 0);
    meter.beat(140, 25);
    expect(meter.take()).toEqual({ elapsedMs: 140, workMs: 25 });
  });

  test("threads that work beside each other add no time to a stall", () => {
    const meter = createStallMeter(0, 0);
    meter.beat(60, 110);
    expect(meter.take()).toEqual({ elapsedMs: 60, workMs: 60 });
  });

  test("keeps the longest of both kinds, which need not be the same stall, until it is asked", () => {
    const meter = createStallMeter(0, 0);
    meter.beat(110, 5);
    meter.beat(160, 45);
    meter.beat(170, 50);
    expect(meter.take()).toEqual({ elapsedMs: 110, workMs: 40 });
    expect(meter.take()).toEqual({ elapsedMs: 0, workMs: 0 });
  });
});

test("a loop that is kept busy is a stall in the metrics, until they are read", async () => {
  const registry = new Registry();
  const { meter, stop } = watchEventLoop();
  runtimeMetrics(registry).eventLoop(meter);
  const elapsedMs = async (): Promise<number> => {
    const text = await registry.getSingleMetricAsString("kube_operator_event_loop_stall_max_seconds");
    return 1000 * Number(/of="elapsed"} (\S+)/.exec(text)?.[1]);
  };
  try {
    const until = performance.now() + 200;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 15));
    expect(await elapsedMs()).toBeGreaterThan(150);
    expect(await elapsedMs()).toBeLessThan(150);
  } finally {
    stop();
  }
});
