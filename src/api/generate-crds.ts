// Writes what is made from the schemas: `npm run crds`. The files are kept in the repository, and a test regenerates and
// compares them.
import { writeFileSync } from "node:fs";
import { stringify } from "yaml";
import { admissionPolicies } from "./admission.ts";
import { pooledTaskCrd, resourcePoolCrd } from "./crds.ts";
import { managedFieldsPolicy } from "./managed-fields.ts";

/** As in deploy/manifests/rbac.yaml. */
export const operatorIdentity = { namespace: "kube-pool-system", serviceAccount: "kube-pool" };

/** Each generated file by its path from the root of the repository. */
export function generatedFiles(): Readonly<Record<string, string>> {
  return {
    "crds/resourcepools.yaml": yaml([resourcePoolCrd()]),
    "crds/pooledtasks.yaml": yaml([pooledTaskCrd()]),
    "deploy/manifests/admission.yaml": yaml(admissionPolicies(operatorIdentity)),
    "deploy/manifests/since-1.36/managed-fields.yaml": yaml(managedFieldsPolicy()),
  };
}

function yaml(objects: readonly object[]): string {
  const documents = objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }));
  return `# Generated from src/api by "npm run crds". Do not edit.\n${documents.join("---\n")}`;
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(generatedFiles())) {
    writeFileSync(new URL(`../../${path}`, import.meta.url), text);
    console.log(`${path}: ${Buffer.byteLength(text)} bytes`);
  }
}
