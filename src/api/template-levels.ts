// The template's allow-list as CEL, object by object: made from the schema that the operator judges by, so that the two
// cannot differ.
import * as z from "zod";
import { allowedTemplate } from "./template.ts";

export interface Level {
  /** The objects that it is about: `spec.template.spec.containers[].env[]`. */
  readonly path: string;
  readonly allowed: readonly string[];
  /** What is said of it in CEL. */
  readonly cel: string;
}

/** How CEL goes through the objects, and what it says of each. */
interface Phrasing {
  readonly fields: (self: string, allowed: string) => string;
  readonly each: (list: string, item: string, inner: string) => string;
  readonly optional: (field: string, inner: string) => string;
}

/** The names of the fields that are not allowed, joined; empty when all is well. */
const unknown: Phrasing = {
  fields: (self, allowed) => `${self}.filter(k, !(k in [${allowed}])).join(', ')`,
  each: (list, item, inner) => `${list}.map(${item}, ${inner}).filter(t, t != '').join(', ')`,
  optional: (field, inner) => `(has(${field}) ? ${inner} : '')`,
};

/** Whether all fields are allowed: a fraction of the cost. */
const isKnown: Phrasing = {
  fields: (self, allowed) => `${self}.all(k, k in [${allowed}])`,
  each: (list, item, inner) => `${list}.all(${item}, ${inner})`,
  optional: (field, inner) => `(!has(${field}) || ${inner})`,
};

/** Every object of the allow-list, outermost first, and the names of what is not allowed in it. `variables.template` is the template. */
export function levels(): readonly Level[] {
  return [...levelsOf(allowedTemplate, "spec.template", (inner) => inner("variables.template"), unknown, {})];
}

/** Of a Pod that was made from a template: what the engine adds, and what the API server fills in on the way. */
const addedToPods: Readonly<Record<string, readonly string[]>> = {
  spec: [
    "restartPolicy",
    "nodeName",
    "serviceAccount",
    "schedulerName",
    "dnsPolicy",
    "enableServiceLinks",
    "priority",
    "priorityClassName",
    "preemptionPolicy",
  ],
  "spec.containers[]": ["terminationMessagePath", "terminationMessagePolicy"],
  "spec.initContainers[]": ["terminationMessagePath", "terminationMessagePolicy"],
  // The token of a service account that the template asks for.
  "spec.volumes[]": ["projected"],
};

/** CEL that asks whether the objects of a Pod that decide what it may do on its node have nothing that no template may ask for. */
export function isWithinTemplates(pod: string): string {
  const part = /^spec(\.(volumes|containers|initContainers)\[\])?(\.securityContext(\.capabilities)?)?$/;
  const all = [...levelsOf(allowedTemplate, "", (inner) => inner(pod), isKnown, addedToPods)];
  return all
    .filter(({ path }) => part.test(path))
    .map(({ cel }) => cel)
    .join(" && ");
}

/** Wraps what is said of one object into the loops and guards that lead to it. */
type Reach = (inner: (self: string) => string) => string;

function* levelsOf(
  schema: z.ZodType,
  path: string,
  reach: Reach,
  phrasing: Phrasing,
  added: Readonly<Record<string, readonly string[]>>,
): Generator<Level> {
  if (schema instanceof z.ZodArray) {
    const each = `i${path.split("[]").length}`;
    yield* levelsOf(
      schema.element as z.ZodType,
      `${path}[]`,
      (inner) => reach((self) => phrasing.each(self, each, inner(each))),
      phrasing,
      added,
    );
  } else if (schema instanceof z.ZodObject) {
    const allowed = [...Object.keys(schema.shape), ...(added[path] ?? [])];
    const list = allowed.map((name) => `'${name}'`).join(", ");
    yield { path, allowed, cel: reach((self) => phrasing.fields(self, list)) };
    for (const [name, field] of Object.entries<z.ZodType>(schema.shape)) {
      const optional = field instanceof z.ZodExactOptional;
      yield* levelsOf(
        optional ? (field.unwrap() as z.ZodType) : field,
        path === "" ? name : `${path}.${name}`,
        (inner) =>
          reach((self) => {
            const text = inner(`${self}.${name}`);
            return optional ? phrasing.optional(`${self}.${name}`, text) : text;
          }),
        phrasing,
        added,
      );
    }
  }
}
