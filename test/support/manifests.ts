// Pools and tasks for simulated nodes, as JSON that `kubectl apply` takes: their Pods run no container, but end after a
// while with a message (deploy/local/simulated-pods.yaml).

let named = 0;

/** A name is used once, since a second try of a test would meet the task of its first, which may be on its way out. */
export function freshName(name: string): string {
  return `${name}-${++named}`;
}

export interface SimulatedTask {
  readonly pool?: string;
  readonly namespace?: string;
  readonly items?: number;
  /** Of each Pod. */
  readonly cpu?: string;
  readonly runMs?: number;
  readonly message?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Over what the rest says. */
  readonly spec?: object;
}

export function simulatedTask(name: string, options: SimulatedTask = {}): string {
  const { pool = "lab", namespace = "default", items = 1, cpu = "1", runMs = 300 } = options;
  const { message = "$(POOL_ITEM)", annotations = {}, spec = {} } = options;
  const simulated = { "simulated/message": message, "simulated/run-ms": String(runMs) };
  const container = { name: "main", image: "busybox:1.35", command: ["true"], resources: { requests: { cpu } } };
  return JSON.stringify({
    apiVersion: "kube-pool.dev/v1alpha1",
    kind: "PooledTask",
    metadata: { name, namespace },
    spec: {
      poolRef: { name: pool },
      items: { range: { end: items } },
      template: { metadata: { annotations: { ...simulated, ...annotations } }, spec: { containers: [container] } },
      ...spec,
    },
  });
}

/** Open to every namespace, unless the spec says otherwise. */
export function poolManifest(name: string, spec: object = {}): string {
  const body = { namespaceSelector: {}, ...spec };
  return JSON.stringify({ apiVersion: "kube-pool.dev/v1alpha1", kind: "ResourcePool", metadata: { name }, spec: body });
}
