import type { Manifest } from "@dsl/kube-operator";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { pooledTasks } from "../../src/api/pooled-task.ts";
import { problemText } from "../../src/api/problem.ts";
import { resourcePools } from "../../src/api/resource-pool.ts";
import { templateProblems } from "../../src/api/template-problems.ts";
import type { ControlPlane } from "../support/control-plane.ts";
import { create, type Judge, judgeOf, must, startWithPolicies } from "../support/installed.ts";
import { type FieldsOf, fieldCases } from "../support/pod-fields.ts";
import { aTemplate, aWrittenTask, type WrittenTask } from "../support/tasks.ts";

let cluster: ControlPlane;
let judge: Judge;
const judges = new Map<string, Judge>();
const operator = "system:serviceaccount:kube-pool-system:kube-pool";

beforeAll(async () => {
  cluster = await startWithPolicies();
  judge = await judgeFor();
  await must(cluster, ["create", "namespace", "team"]);
  const rights = {
    tasks: { apiGroups: ["kube-pool.dev"], resources: ["pooledtasks"], verbs: ["create", "get", "patch"] },
    jobs: { apiGroups: ["batch"], resources: ["jobs"], verbs: ["create"] },
    lab: { apiGroups: ["kube-pool.dev"], resources: ["resourcepools"], resourceNames: ["lab"], verbs: ["use"] },
    urgent: {
      apiGroups: ["kube-pool.dev"],
      resources: ["resourcepools"],
      resourceNames: ["lab"],
      verbs: ["prioritize"],
    },
  };
  const users: Record<string, readonly (keyof typeof rights)[]> = {
    alice: ["tasks", "jobs", "lab"],
    "no-jobs": ["tasks", "lab"],
    "no-pool": ["tasks", "jobs"],
    boss: ["tasks", "jobs", "lab", "urgent"],
  };
  const apiGroup = "rbac.authorization.k8s.io";
  const items = Object.entries(users).flatMap(([name, granted]) => {
    const common = { apiVersion: `${apiGroup}/v1`, metadata: { name, namespace: "team" } };
    return [
      { ...common, kind: "Role", rules: granted.map((right) => rights[right]) },
      {
        ...common,
        kind: "RoleBinding",
        roleRef: { apiGroup, kind: "Role", name },
        subjects: [{ apiGroup, kind: "User", name }],
      },
    ];
  });
  await must(cluster, ["create", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }));
});
afterAll(async () => {
  for (const each of judges.values()) each.close();
  await cluster?.stop();
});

/** One connection for each who asks; the administrator where nobody is named. */
async function judgeFor(user = ""): Promise<Judge> {
  const known = judges.get(user) ?? (await judgeOf(cluster, user === "" ? undefined : user));
  judges.set(user, known);
  return known;
}

async function refusal(object: object, user?: string): Promise<string> {
  return (await judgeFor(user)).object(object as Manifest);
}

async function patched(name: string, patch: object, user?: string, namespace = "default"): Promise<string> {
  return (await judgeFor(user)).patch(pooledTasks, { namespace, name }, patch);
}

const task = (spec: Record<string, unknown>): WrittenTask => aWrittenTask("a", spec);
const withContainer = (container: Record<string, unknown>): WrittenTask => task({ template: aTemplate(container) });

describe("the template's allow-list", () => {
  test.each<[string, WrittenTask, string]>([
    [
      "a field of the Pod",
      task({ template: { spec: { ...aTemplate().spec, hostNetwork: true } } }),
      "spec.template.spec: not allowed here: hostNetwork; remove it (allowed: containers, initContainers,",
    ],
    [
      "a field of the container",
      withContainer({ lifecycle: {} }),
      "spec.template.spec.containers[]: not allowed here: lifecycle; remove it",
    ],
    [
      "a field deep inside",
      withContainer({ env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "metadata.name", extra: 1 } } }] }),
      "spec.template.spec.containers[].env[].valueFrom.fieldRef: not allowed here: extra",
    ],
    [
      "a field of one volume of several",
      task({
        template: {
          spec: {
            ...aTemplate().spec,
            volumes: [
              { name: "a", emptyDir: {} },
              { name: "b", hostPath: { path: "/" } },
            ],
          },
        },
      }),
      "spec.template.spec.volumes[]: not allowed here: hostPath",
    ],
    [
      "a variable of the operator's",
      withContainer({ env: [{ name: "POOL_ITEM", value: "x" }] }),
      "environment variables named POOL_* are the operator's own",
    ],
    [
      "a label that other controllers act by",
      task({ template: { ...aTemplate(), metadata: { labels: { "batch.kubernetes.io/job-name": "x" } } } }),
      "spec.template.metadata.labels: not allowed here: batch.kubernetes.io/job-name",
    ],
    [
      "an item in the command of a shard of several",
      task({ chunk: { size: 2 }, template: aTemplate({ command: ["echo", "$(POOL_ITEM)"] }) }),
      "so they need chunk.size 1",
    ],
    [
      "an item in the command of shards that are cut as needed",
      task({ chunk: { size: "Auto" }, template: aTemplate({ command: ["echo", "$(POOL_ITEM)"] }) }),
      "so they need chunk.size 1",
    ],
  ])("refuses %s", async (_, object, expected) => {
    expect(await judge.object(object)).toContain(expected);
  });

  test("takes an item in the command of a shard of one", async () => {
    expect(await judge.object(withContainer({ command: ["echo", "$(POOL_ITEM)"] }))).toBe("");
  });

  test("is the operator's own, for every field that this server knows", async () => {
    const { components } = JSON.parse(await must(cluster, ["get", "--raw", "/openapi/v3/api/v1"]));
    const fieldsOf: FieldsOf = (type) => {
      const place = type === "ObjectMeta" ? "apimachinery.pkg.apis.meta" : "api.core";
      return Object.keys(components.schemas[`io.k8s.${place}.v1.${type}`].properties);
    };
    const cases = fieldCases(fieldsOf);
    expect(cases.length).toBeGreaterThan(150);
    const items = cases.map(({ template }, index) => aWrittenTask(`field-${index}`, { template }));
    const { stdout } = await create(cluster, { apiVersion: "v1", kind: "List", items }, "-o", "name");
    const taken = new Set(stdout.trim().split("\n"));
    const verdicts = cases.map(({ field, template }, index) => {
      const [problem] = templateProblems(template, { size: 1, mode: "Each" });
      return {
        field,
        here: problem && problemText(problem),
        taken: taken.has(`pooledtask.kube-pool.dev/field-${index}`),
      };
    });
    expect(verdicts.filter(({ here, taken }) => (here === undefined) !== taken)).toEqual([]);
    expect(verdicts.filter(({ taken }) => taken).length).toBeGreaterThan(60);
  });
});

describe("the template, once it is there", () => {
  beforeAll(() => must(cluster, ["create", "-f", "-"], JSON.stringify(aWrittenTask("squares"))));

  test.each([
    ["another image", aTemplate({ image: "busybox:1.36" })],
    ["a field that no schema knows", { spec: { surprise: 1 } }],
  ])("is not changed: %s", async (_, template) => {
    expect(await judge.taskSpec("squares", { template })).toContain(
      "spec.template cannot be changed; create another task",
    );
  });

  test("lets the rest be changed", async () => {
    expect(await patched("squares", { spec: { suspend: true }, metadata: { labels: { a: "b" } } })).toBe("");
  });
});

describe("the requester", () => {
  const inTeam = (spec: Record<string, unknown> = {}): WrittenTask => ({
    ...task(spec),
    metadata: { name: "a", namespace: "team" },
  });

  test("with all three rights runs tasks", async () => {
    expect(await refusal(inTeam(), "alice")).toBe("");
    expect(await refusal(inTeam({ priority: -1 }), "alice")).toBe("");
  });

  test("who may not create jobs runs none through us", async () => {
    expect(await refusal(inTeam(), "no-jobs")).toContain(
      "a PooledTask runs Jobs, and no-jobs may not create jobs in namespace team",
    );
  });

  test("uses no pool without the verb use, and no other pool than granted", async () => {
    expect(await refusal(inTeam(), "no-pool")).toContain(
      "spec.poolRef.name: no-pool may not use the pool lab from namespace team; ask for the verb use on this resourcepool",
    );
    expect(await refusal(inTeam({ poolRef: { name: "other" } }), "alice")).toContain(
      "alice may not use the pool other",
    );
  });

  test("goes before others only with the verb prioritize", async () => {
    expect(await refusal(inTeam({ priority: 1 }), "alice")).toContain(
      "spec.priority: 1 is over 0, which needs the verb prioritize on the pool lab; set 0 or less, or ask for that verb",
    );
    expect(await refusal(inTeam({ priority: 1 }), "boss")).toBe("");
  });

  test("may change a task that another has raised, but not raise it further", async () => {
    const urgent = { ...inTeam({ priority: 5 }), metadata: { name: "urgent", namespace: "team" } };
    await must(cluster, ["create", "-f", "-"], JSON.stringify(urgent));
    expect(await patched("urgent", { spec: { suspend: true } }, "alice", "team")).toBe("");
    expect(await patched("urgent", { spec: { priority: 4 } }, "alice", "team")).toBe("");
    expect(await patched("urgent", { spec: { priority: 6 } }, "alice", "team")).toContain("needs the verb prioritize");
  });

  test("loses no finalizer to a right that is missing: only changes of the spec are judged", async () => {
    const held = { ...inTeam(), metadata: { name: "held", namespace: "team" } };
    await must(cluster, ["create", "-f", "-"], JSON.stringify(held));
    expect(await patched("held", { metadata: { finalizers: ["example.com/x"] } }, "no-pool", "team")).toBe("");
    expect(await patched("held", { spec: { suspend: true } }, "no-pool", "team")).toContain("may not use the pool lab");
  });

  test("who may edit a namespace may use every pool, since the roles join Kubernetes' own", async () => {
    await must(cluster, ["-n", "team", "create", "rolebinding", "ed", "--clusterrole=edit", "--user=ed"]);
    await expect.poll(() => refusal(inTeam(), "ed"), { timeout: 30_000 }).toBe("");
    expect(await refusal(inTeam({ priority: 1 }), "ed")).toContain("needs the verb prioritize");
  });
});

describe("whoever writes a pool", () => {
  const pool = (name: string, spec: object): object => ({
    apiVersion: "kube-pool.dev/v1alpha1",
    kind: "ResourcePool",
    metadata: { name },
    spec,
  });
  const change = async (name: string, spec: object, user: string): Promise<string> =>
    (await judgeFor(user)).patch(resourcePools, { name }, { spec });
  const denied = "may not divide the pool dept; ask for the verb divide on this resourcepool";

  beforeAll(async () => {
    const rights = [
      { apiGroups: ["kube-pool.dev"], resources: ["resourcepools"], verbs: ["create", "get", "patch"] },
      { apiGroups: ["kube-pool.dev"], resources: ["resourcepools"], resourceNames: ["dept"], verbs: ["divide"] },
    ];
    const apiGroup = "rbac.authorization.k8s.io";
    const items = [
      ...["writer", "head"].flatMap((name, index) => [
        {
          apiVersion: `${apiGroup}/v1`,
          kind: "ClusterRole",
          metadata: { name },
          rules: rights.slice(0, index + 1),
        },
        {
          apiVersion: `${apiGroup}/v1`,
          kind: "ClusterRoleBinding",
          metadata: { name },
          roleRef: { apiGroup, kind: "ClusterRole", name },
          subjects: [{ apiGroup, kind: "User", name }],
        },
      ]),
      pool("dept", {}),
      pool("team", { parentRef: { name: "dept" }, shares: "Low" }),
    ];
    await must(cluster, ["create", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  });

  test("creates a child only with the verb divide on its parent, and a root without", async () => {
    const child = pool("x", { parentRef: { name: "dept" } });
    expect(await refusal(child, "writer")).toContain(`spec.parentRef.name: writer ${denied}`);
    expect(await refusal(child, "head")).toBe("");
    const other = pool("x", { parentRef: { name: "lab" } });
    expect(await refusal(other, "head")).toContain("head may not divide the pool lab");
    expect(await refusal(pool("x", {}), "writer")).toBe("");
  });

  test("changes what a child takes from its parent only with that verb, and all else without", async () => {
    for (const spec of [{ shares: "High" }, { limit: { cpu: 1 } }, { reservation: { cpu: 1 } }, { shares: null }]) {
      expect(await change("team", spec, "writer")).toContain(denied);
      expect(await change("team", spec, "head")).toBe("");
    }
    expect(await change("team", { placement: "Spread", stopPolicy: "Stop" }, "writer")).toBe("");
  });
});

describe("the operator", () => {
  const asOperator = `--as=${operator}`;
  const owner = {
    apiVersion: "kube-pool.dev/v1alpha1",
    kind: "PooledTask",
    name: "squares",
    uid: "be515fea-9979-436a-ad40-3a2d30c1f2db",
    controller: true,
    blockOwnerDeletion: true,
  };
  const records = (metadata: object): object => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "squares-be515f-results-0", namespace: "team", ...metadata },
  });
  const job = (metadata: object): object => ({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "squares-be515f-0-1", namespace: "team", ...metadata },
    spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "busybox:1.35" }] } } },
  });
  const refused = "the operator writes ConfigMaps and Jobs only where a PooledTask is their controller";

  test("writes records and Jobs of a task", async () => {
    expect(await refusal(records({ ownerReferences: [owner] }), operator)).toBe("");
    expect(await refusal(job({ ownerReferences: [owner] }), operator)).toBe("");
  });

  test.each([
    ["without an owner", {}],
    ["of an owner that is no controller", { ownerReferences: [{ ...owner, controller: false }] }],
    ["of another kind", { ownerReferences: [{ ...owner, kind: "ResourcePool" }] }],
    ["of another group", { ownerReferences: [{ ...owner, apiVersion: "example.com/v1" }] }],
  ])("writes none %s", async (_, metadata) => {
    expect(await refusal(records(metadata), operator)).toContain(refused);
    expect(await refusal(job(metadata), operator)).toContain(refused);
  });

  test("neither changes nor deletes what others own, nor takes it over", async () => {
    await must(cluster, ["-n", "team", "create", "configmap", "foreign"]);
    await must(cluster, ["-n", "team", "create", "job", "foreign", "--image=busybox:1.35"]);
    const deletion = ["-n", "team", "delete", "--dry-run=server", asOperator];
    expect((await cluster.kubectl([...deletion, "job", "foreign"])).stderr).toContain(refused);
    // Records go with their task, by the garbage collector: the operator's role lets it delete no ConfigMap at all.
    expect((await cluster.kubectl([...deletion, "configmap", "foreign"])).stderr).toContain("cannot delete resource");
    const adopt = JSON.stringify({ metadata: { ownerReferences: [owner] } });
    const args = ["-n", "team", "patch", "configmap", "foreign", "--type=merge", "-p", adopt, "--dry-run=server"];
    expect((await cluster.kubectl([...args, asOperator])).stderr).toContain(refused);
    expect((await cluster.kubectl(args)).code).toBe(0);
  });

  const main = { name: "main", image: "busybox:1.35" };
  const pod = (metadata: object, spec: object = {}): object => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "squares-be515f-0-1", namespace: "team", labels: { "kube-pool.dev/task-uid": "u" }, ...metadata },
    spec: {
      restartPolicy: "Never",
      automountServiceAccountToken: false,
      containers: [main],
      ...spec,
    },
  });
  const ofJob = { ownerReferences: [{ ...owner, apiVersion: "batch/v1", kind: "Job" }] };

  test("creates Pods of a task's Job, and no others", async () => {
    expect(await refusal(pod(ofJob, { nodeName: "a" }), operator)).toBe("");
    expect(await refusal(pod({}), operator)).toContain("only of a PooledTask's Job");
    expect(await refusal(pod({ ...ofJob, labels: {} }), operator)).toContain("only of a PooledTask's Job");
    expect(await refusal(pod({ ownerReferences: [owner] }), operator)).toContain("only of a PooledTask's Job");
  });

  test.each([
    ["the host's network", { hostNetwork: true }],
    ["the host's files", { volumes: [{ name: "host", hostPath: { path: "/" } }] }],
    ["privileges", { containers: [{ ...main, securityContext: { privileged: true } }] }],
    [
      "added capabilities",
      { containers: [{ ...main, securityContext: { capabilities: { drop: ["ALL"], add: ["SYS_ADMIN"] } } }] },
    ],
    ["a port of the host", { containers: [{ ...main, ports: [{ containerPort: 80, hostPort: 80 }] }] }],
    ["privileges on the side", { initContainers: [{ ...main, name: "side", securityContext: { privileged: true } }] }],
    ["sysctls", { securityContext: { sysctls: [{ name: "kernel.shm_rmid_forced", value: "1" }] } }],
  ])("creates no Pod with what no template may ask for: %s", async (_, spec) => {
    expect(await refusal(pod(ofJob, spec), operator)).toContain("this one has more");
  });

  test("creates Pods and Jobs that keep no account of who wrote their fields, which those of others do", async () => {
    const managers = async (object: object, ...more: string[]): Promise<unknown> => {
      const { stdout } = await create(cluster, object, "-o", "json", "--show-managed-fields", ...more);
      return JSON.parse(stdout).metadata.managedFields;
    };
    const ofTask = { labels: { "kube-pool.dev/task-uid": owner.uid }, ownerReferences: [owner] };
    // In force a moment after it is stored.
    await vi.waitFor(async () => expect(await managers(pod(ofJob), asOperator)).toBeUndefined(), 30_000);
    expect(await managers(job(ofTask), asOperator)).toBeUndefined();
    expect(await managers(pod({ labels: {} }))).toHaveLength(1);
    expect(await managers(job({}))).toHaveLength(1);
  });

  test("changes no task as it is created: a policy that did would refuse those of a new definition for seconds", async () => {
    const flags = ["--dry-run=server", "-f", "-", "-o", "json", "--show-managed-fields"];
    const created = JSON.parse(await must(cluster, ["create", ...flags], JSON.stringify(task({}))));
    expect(created.metadata.managedFields).toHaveLength(1);
  });

  test("creates Pods with what a template may ask for", async () => {
    const securityContext = { runAsNonRoot: true, capabilities: { drop: ["ALL"] } };
    const spec = {
      containers: [{ ...main, securityContext }],
      initContainers: [{ ...main, name: "side", restartPolicy: "Always", securityContext }],
      volumes: [{ name: "scratch", emptyDir: {} }],
      securityContext: { runAsUser: 1000, fsGroup: 1000 },
    };
    expect(await refusal(pod(ofJob, spec), operator)).toBe("");
  });

  test("holds a task by a finalizer, but cannot write its spec, since it lacks the verb use", async () => {
    expect(await patched("squares", { metadata: { finalizers: ["kube-pool.dev/cleanup"] } }, operator)).toBe("");
    expect(await patched("squares", { spec: { suspend: true } }, operator)).toContain("may not use the pool");
  });

  test("may not do what it need not do", async () => {
    const never = [
      ["get", "secrets"],
      ["list", "configmaps"],
      ["patch", "pods"],
      ["create", "pods", "--subresource=exec"],
      ["update", "nodes"],
      ["create", "pooledtasks.kube-pool.dev"],
      ["impersonate", "users"],
      ["escalate", "clusterroles.rbac.authorization.k8s.io"],
      ["get", "leases.coordination.k8s.io"],
    ];
    const answers = await Promise.all(
      never.map(async (what) => {
        const { stdout } = await cluster.kubectl(["-n", "team", "auth", "can-i", ...what, asOperator]);
        return `${what.join(" ")}: ${stdout.trim()}`;
      }),
    );
    expect(answers).toEqual(never.map((what) => `${what.join(" ")}: no`));
  });

  test("has its own lease", async () => {
    const may = async (verb: string, name: string): Promise<string> => {
      const args = ["-n", "kube-pool-system", "auth", "can-i", verb, `leases.coordination.k8s.io/${name}`, asOperator];
      return (await cluster.kubectl(args)).stdout.trim();
    };
    expect([await may("update", "kube-pool"), await may("update", "other")]).toEqual(["yes", "no"]);
  });
});
