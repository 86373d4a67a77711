// A CustomResourceDefinition from zod schemas. What the API server or a reader of `kubectl explain` would stumble
// over is an error here. Knows no kind in particular.
import type { z } from "zod";
import type { JsonSchema, ValidationRule } from "./json-schema.ts";
import { groupResource, type KubeObject, type Manifest, type Resource } from "./object.ts";
import { schemaProblems } from "./schema-checks.ts";
import { structuralSchema } from "./structural-schema.ts";

/** A column of `kubectl get`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly jsonPath: string;
  readonly description?: string;
  readonly format?: string;
  /** 1 and above: only with `-o wide`. */
  readonly priority?: number;
}

export interface CustomResourceVersion {
  /** What the kind is, for `kubectl explain`. */
  readonly description: string;
  readonly spec: z.ZodType;
  /** Absent: the kind has no status subresource. */
  readonly status?: z.ZodType;
  /** CEL rules over the whole object; those of a field stand in its `.meta()`. */
  readonly rules?: readonly ValidationRule[];
  readonly columns?: readonly PrinterColumn[];
  /** JSON paths, such as `.spec.poolRef.name`, that field selectors may name. */
  readonly selectableFields?: readonly string[];
  readonly scale?: {
    readonly specReplicasPath: string;
    readonly statusReplicasPath: string;
    readonly labelSelectorPath?: string;
  };
}

export interface OtherVersion extends CustomResourceVersion {
  readonly name: string;
  readonly served?: boolean;
  /** Shown to whoever uses this version. */
  readonly deprecationWarning?: string;
}

/** `resource` names the group, the kind, the scope and the version that is stored; the other fields describe that version. */
export interface CustomResourceOptions extends CustomResourceVersion {
  readonly resource: Resource;
  readonly singular?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly otherVersions?: readonly OtherVersion[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The parts of a CustomResourceDefinition that this package writes and reads. */
export interface CustomResourceDefinition extends Manifest {
  readonly spec: {
    readonly group: string;
    readonly scope: "Namespaced" | "Cluster";
    readonly names: {
      readonly kind: string;
      readonly listKind: string;
      readonly plural: string;
      readonly singular: string;
      readonly shortNames?: readonly string[];
      readonly categories?: readonly string[];
    };
    readonly versions: readonly CustomResourceDefinitionVersion[];
  };
}

export interface CustomResourceDefinitionVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly deprecated?: boolean;
  readonly deprecationWarning?: string;
  readonly additionalPrinterColumns?: readonly PrinterColumn[];
  readonly selectableFields?: readonly { readonly jsonPath: string }[];
  readonly subresources?: { readonly status?: object; readonly scale?: CustomResourceVersion["scale"] };
  readonly schema: { readonly openAPIV3Schema: JsonSchema };
}

export const customResourceDefinitions: Resource<KubeObject & CustomResourceDefinition> = {
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  namespaced: false,
};

/** Throws with the list of all problems, each with the path of its field. */
export function customResourceDefinition(options: CustomResourceOptions): CustomResourceDefinition {
  const { resource, shortNames, categories, otherVersions = [], labels, annotations } = options;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: groupResource(resource),
      ...(labels !== undefined && { labels }),
      ...(annotations !== undefined && { annotations }),
    },
    spec: {
      group: resource.group,
      scope: resource.namespaced ? "Namespaced" : "Cluster",
      names: {
        kind: resource.kind,
        listKind: `${resource.kind}List`,
        plural: resource.plural,
        singular: options.singular ?? resource.kind.toLowerCase(),
        ...(shortNames !== undefined && { shortNames }),
        ...(categories !== undefined && { categories }),
      },
      versions: [
        version(resource, { ...options, name: resource.version }, true),
        ...otherVersions.map((other) => version(resource, other, false)),
      ],
    },
  };
}

function version(resource: Resource, options: OtherVersion, storage: boolean): CustomResourceDefinitionVersion {
  const { name, status, columns, selectableFields, scale, deprecationWarning } = options;
  const schema = objectSchema(options);
  const problems = schemaProblems(schema);
  if (problems.length > 0) {
    throw new TypeError(
      `${resource.kind} ${name} has no proper schema:\n${problems.map((line) => `  ${line}`).join("\n")}`,
    );
  }
  return {
    name,
    served: options.served ?? true,
    storage,
    ...(deprecationWarning !== undefined && { deprecated: true, deprecationWarning }),
    ...(columns !== undefined && { additionalPrinterColumns: columns }),
    ...(selectableFields !== undefined && { selectableFields: selectableFields.map((jsonPath) => ({ jsonPath })) }),
    ...((status !== undefined || scale !== undefined) && {
      subresources: { ...(status !== undefined && { status: {} }), ...(scale !== undefined && { scale }) },
    }),
    schema: { openAPIV3Schema: schema },
  };
}

function objectSchema({ description, spec, status, rules }: CustomResourceVersion): JsonSchema {
  return {
    description,
    type: "object",
    ...(!spec.safeParse(undefined).success && { required: ["spec"] }),
    ...(rules !== undefined && { "x-kubernetes-validations": rules }),
    properties: {
      apiVersion: { description: "Version of the schema of this object.", type: "string" },
      kind: { description: "Kind of this object.", type: "string" },
      // Implicit for the API server, which refuses even a description here.
      metadata: { type: "object" },
      spec: { description: "What is wanted.", ...structuralSchema(spec) },
      ...(status !== undefined && { status: { description: "What is observed.", ...structuralSchema(status) } }),
    },
  };
}
