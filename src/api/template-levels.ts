// The template's allow-list as CEL, object by object: made from the schema that the operator judges by, so that the two
// cannot differ.
import { z } from "zod";
import { allowedTemplate } from "./template.ts";

export interface Level {
  /** The objects that it is about: `spec.template.spec.containers[].env[]`. */
  readonly path: string;
  readonly allowed: readonly string[];
  /** CEL for the names of the fields there that are not allowed, joined; empty when all is well. */
  readonly unknown: string;
}

/** Every object of the allow-list, outermost first. `variables.template` is the template. */
export function levels(): readonly Level[] {
  return [...levelsOf(allowedTemplate, "spec.template", (inner) => inner("variables.template"), {})];
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

/** Of those objects of a Pod that decide what it may do on its node. `variables.template` is the Pod. */
export function podLevels(): readonly Level[] {
  const part = /^spec(\.(volumes|containers|initContainers)\[\])?(\.securityContext(\.capabilities)?)?$/;
  const all = [...levelsOf(allowedTemplate, "", (inner) => inner("variables.template"), addedToPods)];
  return all.filter(({ path }) => part.test(path));
}

/** Wraps what is said of one object into the loops and guards that lead to it. */
type Reach = (inner: (self: string) => string) => string;

function* levelsOf(
  schema: z.ZodType,
  path: string,
  reach: Reach,
  added: Readonly<Record<string, readonly string[]>>,
): Generator<Level> {
  if (schema instanceof z.ZodArray) {
    const each = `i${path.split("[]").length}`;
    yield* levelsOf(
      schema.element as z.ZodType,
      `${path}[]`,
      (inner) => reach((self) => `${self}.map(${each}, ${inner(each)}).filter(t, t != '').join(', ')`),
      added,
    );
  } else if (schema instanceof z.ZodObject) {
    const allowed = [...Object.keys(schema.shape), ...(added[path] ?? [])];
    const list = allowed.map((name) => `'${name}'`).join(", ");
    yield { path, allowed, unknown: reach((self) => `${self}.filter(k, !(k in [${list}])).join(', ')`) };
    for (const [name, field] of Object.entries<z.ZodType>(schema.shape)) {
      const optional = field instanceof z.ZodExactOptional;
      yield* levelsOf(
        optional ? (field.unwrap() as z.ZodType) : field,
        path === "" ? name : `${path}.${name}`,
        (inner) =>
          reach((self) => {
            const text = inner(`${self}.${name}`);
            return optional ? `(has(${self}.${name}) ? ${text} : '')` : text;
          }),
        added,
      );
    }
  }
}
