// What tests of an operator need: an API server in memory (also behind HTTP), a clock that stands still, faults.
export { eventually } from "./eventually.ts";
export { type FaultProxy, faultProxy, type ProxyFault } from "./fault-proxy.ts";
export { type KubeApiServer, type KubeApiServerOptions, serveKubeApi } from "./http-server.ts";
export { type ManualClock, manualClock } from "./manual-clock.ts";
export {
  type ApiRequest,
  type Fault,
  type MemoryKubeApi,
  type MemoryKubeApiOptions,
  memoryKubeApi,
} from "./memory-kube-api.ts";
export { openDefinition } from "./open-definition.ts";
export { seededRandom } from "./seeded-random.ts";
