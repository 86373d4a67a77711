import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { problemText } from "../../src/api/problem.ts";
import { templateProblems } from "../../src/api/template-problems.ts";
import { type FieldsOf, fieldCases } from "../support/pod-fields.ts";
import { aTemplate } from "../support/tasks.ts";

const single = { size: 1, mode: "Each" };
const told = (template: unknown, chunk = single): string[] => templateProblems(template, chunk).map(problemText);

/** From the type definitions, so that this needs no server; the e2e test asks a server for what is newer. */
const definitions = ["core", "meta"].map((part) =>
  readFileSync(
    createRequire(import.meta.url)
      .resolve(`kubernetes-types/package.json`)
      .replace("package.json", `${part}/v1.d.ts`),
    "utf8",
  ),
);
const fieldsOf: FieldsOf = (type) => {
  const body = definitions
    .map((text) => new RegExp(`export interface ${type} \\{([^]*?)\\n\\}`).exec(text)?.[1])
    .find(Boolean);
  return [...(body ?? "").matchAll(/^ {4}"?(\w+)"?\??:/gm)].map(([, name]) => name ?? "");
};

/** trust.md, section 6: what a template may have. */
const allowed = `
  metadata: labels annotations
  spec: containers initContainers volumes serviceAccountName automountServiceAccountToken imagePullSecrets nodeSelector tolerations affinity topologySpreadConstraints securityContext terminationGracePeriodSeconds
  spec.containers[0]: name image imagePullPolicy command args workingDir env envFrom resources volumeMounts securityContext
  spec.initContainers[0]: name image imagePullPolicy command args workingDir env envFrom resources volumeMounts securityContext restartPolicy
  spec.volumes[0]: name emptyDir configMap secret downwardAPI persistentVolumeClaim
  spec.securityContext: runAsUser runAsGroup runAsNonRoot fsGroup supplementalGroups seccompProfile
  spec.containers[0].securityContext: runAsUser runAsGroup runAsNonRoot readOnlyRootFilesystem allowPrivilegeEscalation capabilities seccompProfile
  spec.containers[0].securityContext.capabilities: drop
  spec.affinity: nodeAffinity
  spec.containers[0].resources: requests limits
  spec.containers[0].volumeMounts[0]: name mountPath readOnly subPath subPathExpr
  spec.containers[0].env[0]: name value valueFrom
  spec.containers[0].env[0].valueFrom: configMapKeyRef secretKeyRef fieldRef resourceFieldRef
  spec.containers[0].envFrom[0]: prefix configMapRef secretRef
  spec.volumes[0].secret: secretName items defaultMode optional`
  .trim()
  .split("\n")
  .flatMap((line) => {
    const [path = "", names = ""] = line.trim().split(": ");
    return names.split(" ").map((name) => `spec.template.${path}.${name}`);
  });

describe("the allow-list", () => {
  const cases = fieldCases(fieldsOf);

  test("is tried on all fields that there are", () => {
    expect(cases.length).toBeGreaterThan(150);
    const unknown = allowed.filter((field) => !cases.some((each) => each.field === field));
    expect(unknown).toEqual([]);
  });

  test.each(cases.map(({ field, template }) => [field, template] as const))("%s", (field, template) => {
    const found = told(template);
    if (allowed.includes(field)) expect(found).toEqual([]);
    else expect(found[0]).toMatch(`${field}: not allowed`);
  });
});

describe("a template is refused", () => {
  test.each<[string, unknown, string]>([
    ["that is no object", "x", "spec.template: "],
    ["that is missing", undefined, "spec.template: is missing; give an object"],
    ["without a container", { spec: { containers: [] } }, "spec.template.spec.containers: give exactly one container"],
    [
      "with two containers",
      { spec: { containers: [{ name: "a" }, { name: "b" }] } },
      "spec.template.spec.containers: give exactly one container",
    ],
    [
      "with a variable of the operator's",
      aTemplate({ env: [{ name: "A" }, { name: "POOL_ITEM", value: "x" }] }),
      "spec.template.spec.containers[0].env[1].name: POOL_ITEM is not allowed",
    ],
    [
      "with a variable of the operator's in an init container",
      { spec: { ...aTemplate().spec, initContainers: [{ name: "a", env: [{ name: "POOL_X" }] }] } },
      "spec.template.spec.initContainers[0].env[0].name: POOL_X is not allowed",
    ],
    [
      "that tolerates every taint",
      { spec: { ...aTemplate().spec, tolerations: [{ operator: "Exists" }] } },
      "spec.template.spec.tolerations[0].key: is missing; give a string",
    ],
    [
      "with another seccomp profile",
      aTemplate({ securityContext: { seccompProfile: { type: "Unconfined" } } }),
      "spec.template.spec.containers[0].securityContext.seccompProfile.type: ",
    ],
    [
      "with an amount that is none",
      aTemplate({ resources: { requests: { cpu: "much" } } }),
      "spec.template.spec.containers[0].resources.requests.cpu: ",
    ],
    [
      "that wants more than ten minutes to end",
      { spec: { ...aTemplate().spec, terminationGracePeriodSeconds: 601 } },
      "spec.template.spec.terminationGracePeriodSeconds: ",
    ],
  ])("%s", (_, template, expected) => {
    expect(told(template)[0]).toContain(expected);
  });

  test.each([
    "kube-pool.dev/pool",
    "x.kube-pool.dev/a",
    "k8s.io/a",
    "app.kubernetes.io/instance",
    "batch.kubernetes.io/job-name",
  ])("with the label or annotation %s", (key) => {
    const [problem] = told({ ...aTemplate(), metadata: { labels: { [key]: "x" } } });
    expect(problem).toContain(
      `spec.template.metadata.labels["${key}"]: keys under kube-pool.dev, k8s.io, kubernetes.io`,
    );
    expect(told({ ...aTemplate(), metadata: { annotations: { [key]: "x" } } })).toHaveLength(1);
  });

  test.each(["app", "example.com/app", "notk8s.io/a", "my-kubernetes.io/a", "kubernetes.io.example.com/a", "k8s.io"])(
    "but not with the label %s",
    (key) => {
      expect(told({ ...aTemplate(), metadata: { labels: { [key]: "x" } } })).toEqual([]);
    },
  );

  test("with every field that is not allowed named at once", () => {
    expect(told(aTemplate({ lifecycle: {}, stdin: true })).map((text) => text.split(": ")[0])).toEqual([
      "spec.template.spec.containers[0].lifecycle",
      "spec.template.spec.containers[0].stdin",
    ]);
  });
});

describe("several items a shard", () => {
  const several = { size: 2, mode: "Each" };
  const whole = { size: 2, mode: "Whole" };

  test("need a command in mode Each, which runs it once for each item", () => {
    const silent = { spec: { containers: [{ name: "main", image: "a:1" }] } };
    expect(told(silent, several)[0]).toContain(
      "spec.template.spec.containers[0].command: is missing; chunk.size other than 1",
    );
    expect(told(silent, whole)).toEqual([]);
    expect(told(silent, single)).toEqual([]);
  });

  test.each(["$(POOL_ITEM)", "$(POOL_ITEM_LR)", "$(POOL_INDEX)"])("cannot have %s expanded by Kubernetes", (text) => {
    const template = aTemplate({ command: ["echo", `a ${text}`] });
    expect(told(template, several)[0]).toContain("spec.template.spec.containers[0].command[1]: ");
    expect(told(aTemplate({ args: [text] }), whole)[0]).toContain("spec.template.spec.containers[0].args[0]: ");
    expect(told(template, single)).toEqual([]);
  });

  test("can leave other names to Kubernetes, and theirs to the shell", () => {
    expect(told(aTemplate({ command: ["sh", "-c", "echo $POOL_ITEM $(HOME)"] }), several)).toEqual([]);
  });
});
