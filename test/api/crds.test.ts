import { readFileSync } from "node:fs";
import { unboundedFields } from "@dsl/kube-operator";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { admissionPolicies } from "../../src/api/admission.ts";
import { pooledTaskCrd, resourcePoolCrd } from "../../src/api/crds.ts";
import { generatedFiles, operatorIdentity } from "../../src/api/generate-crds.ts";
import { resourcePoolSpec } from "../../src/api/resource-pool.ts";
import { levels } from "../../src/api/template-levels.ts";
import { orderNames } from "../../src/scheduling/order/index.ts";
import { placementNames } from "../../src/scheduling/placement/index.ts";

const stored = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

describe("the generated files", () => {
  test.each(Object.entries(generatedFiles()))('%s is what "npm run crds" makes', (path, text) => {
    expect(stored(path)).toBe(text);
  });

  test.each(["crds/resourcepools.yaml", "crds/pooledtasks.yaml"])(
    "%s is small enough for plain kubectl apply, which keeps a second copy in an annotation",
    (path) => {
      expect(Buffer.byteLength(stored(path))).toBeLessThan(200_000);
    },
  );
});

describe("the CRDs", () => {
  const crds = [resourcePoolCrd(), pooledTaskCrd()];

  test.each(crds.map((crd) => [crd.spec.names.kind, crd] as const))(
    "%s bounds every string, list and map",
    (_, crd) => {
      const schema = crd.spec.versions[0]?.schema.openAPIV3Schema ?? {};
      const implicit = ["apiVersion: has no maxLength", "kind: has no maxLength"];
      expect(unboundedFields(schema).filter((field) => !implicit.includes(field))).toEqual([]);
    },
  );

  test("kubectl get shows the columns of the design", () => {
    const columns = crds.map((crd) =>
      (crd.spec.versions[0]?.additionalPrinterColumns ?? [])
        .filter(({ priority = 0 }) => priority === 0)
        .map(({ name }) => name.toUpperCase())
        .join(" "),
    );
    expect(columns).toEqual(["READY NODES CPU UTIL QUEUED RUNNING AGE", "POOL SUCCEEDED DONE RUNNING REASON ETA AGE"]);
  });

  test("both have a short name and the category pools, not all", () => {
    expect(crds.map(({ spec }) => [spec.names.shortNames, spec.names.categories])).toEqual([
      [["rpool"], ["pools"]],
      [["ptask"], ["pools"]],
    ]);
  });

  test("what cannot change is judged of a new object alone: each status would pay for it again", () => {
    const { openAPIV3Schema } = pooledTaskCrd().spec.versions[0]?.schema ?? {};
    const items = openAPIV3Schema?.properties?.spec?.properties?.items;
    for (const source of ["range", "list", "matrix"]) {
      const [rule] = items?.properties?.[source]?.["x-kubernetes-validations"] ?? [];
      expect(rule, source).toMatchObject({ optionalOldSelf: true });
      expect(rule?.rule, source).toMatch(/^oldSelf\.hasValue\(\) \|\| /);
    }
    const [isThere, changes] = openAPIV3Schema?.properties?.spec?.["x-kubernetes-validations"] ?? [];
    expect(isThere?.rule).toMatch(/^\(.*self\.parallelism\) && \(oldSelf\.hasValue\(\) \|\| .*\)$/);
    expect(changes?.optionalOldSelf).toBeUndefined();
  });

  test("what a rule of a task counts with is judged first: what cannot be computed is told as the rules' whole text", () => {
    const { openAPIV3Schema } = pooledTaskCrd().spec.versions[0]?.schema ?? {};
    const [isThere] = openAPIV3Schema?.properties?.spec?.["x-kubernetes-validations"] ?? [];
    for (const text of [isThere?.rule ?? "", isThere?.messageExpression ?? ""]) {
      const [judged, counted] = [text.indexOf("chunk.size >= 1"), text.indexOf("int(")];
      expect(judged).toBeGreaterThan(0);
      expect(counted).toBeGreaterThan(judged);
      expect(text.indexOf("isQuantity(")).toBeGreaterThan(0);
      expect(text.indexOf("quantity(string(")).toBeGreaterThan(text.indexOf("isQuantity("));
    }
    expect(isThere?.messageExpression).toContain(
      "spec.chunk.size must be a whole number from 1 to 100000, or Auto; give",
    );
  });

  test("a pool may name only orders and placements that there are", () => {
    expect(orderNames).toEqual(
      expect.arrayContaining(resourcePoolSpec.shape.queue.unwrap().shape.order.unwrap().element.options),
    );
    expect(placementNames).toEqual(expect.arrayContaining(resourcePoolSpec.shape.placement.unwrap().options));
  });
});

describe("the admission policies", () => {
  test("each is in force: it has its binding, which denies", () => {
    const objects = admissionPolicies(operatorIdentity);
    const names = (kind: string): string[] =>
      objects.filter((each) => each.kind === kind).map(({ metadata }) => metadata.name);
    expect(names("ValidatingAdmissionPolicyBinding")).toEqual(names("ValidatingAdmissionPolicy"));
    for (const { kind, spec } of objects) {
      if (kind === "ValidatingAdmissionPolicyBinding") expect(spec).toMatchObject({ validationActions: ["Deny"] });
    }
  });

  test("every object of the allow-list has its line", () => {
    const paths = levels().map(({ path }) => path);
    expect(new Set(paths).size).toBe(paths.length);
    expect(paths).toContain("spec.template.spec.containers[].env[].valueFrom.secretKeyRef");
    expect(paths).toContain("spec.template.spec.initContainers[].securityContext.capabilities");
  });

  test("confine the operator under the name that it has", () => {
    const accounts = parseAllDocuments(stored("deploy/manifests/rbac.yaml"))
      .map((document) => document.toJS())
      .filter(({ kind }) => kind === "ServiceAccount")
      .map(({ metadata }) => ({ namespace: metadata.namespace, serviceAccount: metadata.name }));
    expect(accounts).toEqual([operatorIdentity]);
  });
});
