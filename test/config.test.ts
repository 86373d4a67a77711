import { expect, test } from "vitest";
import { readConfig } from "../src/config.ts";

test("without variables all has a default", () => {
  expect(readConfig({})).toMatchObject({
    namespace: "kube-pool-system",
    leaseMs: 15_000,
    engine: "Managed",
    healthPort: 8080,
  });
});

test.each([
  [{ KUBE_POOL_LEASE_SECONDS: "0.01" }, "KUBE_POOL_LEASE_SECONDS: Too small"],
  [{ KUBE_POOL_ENGINE: "Fast" }, "KUBE_POOL_ENGINE: one of Native, Managed"],
  [{ KUBE_POOL_HEALTH_PORT: "http" }, "KUBE_POOL_HEALTH_PORT: Invalid input"],
  [{ KUBE_POOL_LOGLEVEL: "debug" }, "KUBE_POOL_LOGLEVEL is no setting; there are KUBE_POOL_NAMESPACE, "],
])("a wrong variable is named: %j", (environment, words) => {
  expect(() => readConfig(environment)).toThrow(words);
});

test("what kubelets tell of Services whose names begin as ours is not for the operator", () => {
  const environment = {
    KUBE_POOL_SERVICE_HOST: "10.0.0.7",
    KUBE_POOL_SERVICE_PORT: "8080",
    KUBE_POOL_SERVICE_PORT_HTTP_METRICS: "8080",
    KUBE_POOL_PORT: "tcp://10.0.0.7:8080",
    KUBE_POOL_PORT_8080_TCP: "tcp://10.0.0.7:8080",
    KUBE_POOL_PORT_8080_TCP_PROTO: "tcp",
    KUBE_POOL_PORT_8080_TCP_PORT: "8080",
    KUBE_POOL_PORT_8080_TCP_ADDR: "10.0.0.7",
    KUBE_POOL_METRICS_SERVICE_HOST: "10.0.0.8",
    KUBE_POOL_HEALTH_PORT: "tcp://10.0.0.9:80",
  };
  expect(readConfig(environment)).toEqual(readConfig({}));
  expect(readConfig({ ...environment, KUBE_POOL_HEALTH_PORT: "9090" }).healthPort).toBe(9090);
});
