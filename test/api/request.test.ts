// The cases follow KEP-753 (sidecar containers) and KEP-2837 (Pod-level resources), re-expressed.
import { describe, expect, test } from "vitest";
import type { Quantities } from "../../src/api/amount.ts";
import { type PodNeeds, podRequest } from "../../src/api/request.ts";

const asks = (requests: Quantities) => ({ resources: { requests } });
const sidecar = (requests: Quantities) => ({ ...asks(requests), restartPolicy: "Always" });
const cpu = (spec: PodNeeds): number | undefined => podRequest(spec).cpu;

describe("what a Pod holds on its node", () => {
  test("its containers together, and one pod", () => {
    const containers = [asks({ cpu: "500m", memory: "1Gi" }), asks({ cpu: 1, "nvidia.com/gpu": "2" })];
    expect(podRequest({ containers })).toEqual({ cpu: 1500, memory: 2 ** 30, "nvidia.com/gpu": 2, pods: 1 });
  });

  test("an init container counts by itself, if it is larger", () => {
    expect(cpu({ containers: [asks({ cpu: 1 })], initContainers: [asks({ cpu: 3 }), asks({ cpu: 2 })] })).toBe(3000);
    expect(cpu({ containers: [asks({ cpu: 4 })], initContainers: [asks({ cpu: 3 }), asks({ cpu: 2 })] })).toBe(4000);
  });

  test("resources are compared one by one", () => {
    const spec = { containers: [asks({ cpu: 1, memory: 100 })], initContainers: [asks({ cpu: 2, memory: 50 })] };
    expect(podRequest(spec)).toMatchObject({ cpu: 2000, memory: 100 });
  });

  test("a sidecar runs beside the main containers", () => {
    expect(cpu({ containers: [asks({ cpu: 1 })], initContainers: [sidecar({ cpu: 2 })] })).toBe(3000);
    expect(cpu({ containers: [asks({ cpu: 1 })], initContainers: [sidecar({ cpu: 2 }), sidecar({ cpu: 1 })] })).toBe(
      4000,
    );
  });

  test("an init container runs beside the sidecars that came before it, not those after", () => {
    const before = [sidecar({ cpu: 2 }), asks({ cpu: 5 })];
    const after = [asks({ cpu: 5 }), sidecar({ cpu: 2 })];
    expect(cpu({ containers: [asks({ cpu: 1 })], initContainers: before })).toBe(7000);
    expect(cpu({ containers: [asks({ cpu: 1 })], initContainers: after })).toBe(5000);
  });

  test("the overhead of its runtime is added", () => {
    expect(cpu({ containers: [asks({ cpu: 1 })], overhead: { cpu: "250m" } })).toBe(1250);
  });

  test("a limit counts as the request where there is none", () => {
    const resources = { limits: { cpu: 2, memory: "1Gi" }, requests: { cpu: 1 } };
    expect(podRequest({ containers: [{ resources }] })).toEqual({ cpu: 1000, memory: 2 ** 30, pods: 1 });
  });

  test("what is stated for the whole Pod replaces the sum, for cpu, memory and huge pages only", () => {
    const resources = { requests: { cpu: 8, "hugepages-2Mi": "4Mi", "nvidia.com/gpu": 9 } };
    const spec = { containers: [asks({ cpu: 1, memory: 5, "nvidia.com/gpu": 1 })], resources, overhead: { cpu: 1 } };
    expect(podRequest(spec)).toEqual({
      cpu: 9000,
      memory: 5,
      "hugepages-2Mi": 4 * 2 ** 20,
      "nvidia.com/gpu": 1,
      pods: 1,
    });
  });

  test("fractions are summed before they are rounded", () => {
    expect(podRequest({ containers: [asks({ memory: "500m" }), asks({ memory: "500m" })] }).memory).toBe(1);
  });

  test("a hostile amount is capped, so that it can still be added up", () => {
    const amount = podRequest({ containers: [asks({ memory: "9E" })] }).memory ?? 0;
    expect(Number.isSafeInteger(amount * 255)).toBe(true);
    expect(amount).toBeGreaterThan(2 ** 44);
  });
});

describe("default requests", () => {
  const defaults = { cpu: "1" };

  test("are for a main container that requests nothing", () => {
    expect(podRequest({ containers: [{}] }, defaults)).toEqual({ cpu: 1000, pods: 1 });
    expect(podRequest({ containers: [{ resources: {} }] }, defaults)).toEqual({ cpu: 1000, pods: 1 });
  });

  test("are not for one that requests something, be it a limit or nothing of the cpu", () => {
    expect(podRequest({ containers: [asks({ memory: 5 })] }, defaults)).toEqual({ memory: 5, pods: 1 });
    expect(podRequest({ containers: [{ resources: { limits: { cpu: 2 } } }] }, defaults)).toEqual({
      cpu: 2000,
      pods: 1,
    });
    expect(podRequest({ containers: [asks({ cpu: 0 })] }, defaults)).toEqual({ cpu: 0, pods: 1 });
  });

  test("are not for init containers, nor for Pods of others", () => {
    expect(podRequest({ containers: [asks({ cpu: 2 })], initContainers: [{}] }, defaults)).toEqual({
      cpu: 2000,
      pods: 1,
    });
    expect(podRequest({ containers: [{}] })).toEqual({ pods: 1 });
  });
});
