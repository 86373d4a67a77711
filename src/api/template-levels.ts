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

/** Every object of the allow-list, outermost first, and the names of what is not allowed in it. `variables.template` is the template. */
export function levels(): readonly Level[] {
  return [...levelsOf(allowedTemplate, "spec.template", (inner) => inner("variables.template"))];
}

/** Which objects are asked about, and what else may be in one: by its path. */
interface Question {
  readonly isAsked: (path: string) => boolean;
  readonly added: Readonly<Record<string, readonly string[]>>;
}

/** CEL that asks whether a template has nothing that is not allowed, without saying what: a fraction of the cost. */
export function isAllowedTemplate(template: string): string {
  return knownIn(allowedTemplate, template, "", { isAsked: () => true, added: {} }) ?? "true";
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
  const part = /^(spec(\.(volumes|containers|initContainers)\[\])?(\.securityContext(\.capabilities)?)?)?$/;
  const isAsked = (path: string): boolean => part.test(path);
  const podSpec = allowedTemplate.shape.spec;
  return knownIn(podSpec, `${pod}.spec`, "spec", { isAsked, added: addedToPods }) ?? "true";
}

/** Goes through every object once: what is in it is asked where the loop is. Undefined where nothing is asked. */
function knownIn(schema: z.ZodType, self: string, path: string, question: Question): string | undefined {
  if (schema instanceof z.ZodArray) {
    const each = eachOf(path);
    const inner = knownIn(schema.element as z.ZodType, each, `${path}[]`, question);
    return inner && `${self}.all(${each}, ${inner})`;
  }
  if (!(schema instanceof z.ZodObject) || !question.isAsked(path)) return undefined;
  const parts = [`${self}.all(k, k in [${textOf(allowedIn(schema, question.added[path]))}])`];
  for (const { name, field, optional } of fieldsOf(schema)) {
    const known = knownIn(field, `${self}.${name}`, path === "" ? name : `${path}.${name}`, question);
    if (known !== undefined) parts.push(optional ? `(!has(${self}.${name}) || ${known})` : known);
  }
  return parts.join(" && ");
}

interface Field {
  readonly name: string;
  readonly field: z.ZodType;
  readonly optional: boolean;
}

function fieldsOf({ shape }: z.ZodObject): readonly Field[] {
  return Object.entries<z.ZodType>(shape).map(([name, field]) =>
    field instanceof z.ZodExactOptional
      ? { name, field: field.unwrap() as z.ZodType, optional: true }
      : { name, field, optional: false },
  );
}

function allowedIn(schema: z.ZodObject, added: readonly string[] = []): readonly string[] {
  return [...Object.keys(schema.shape), ...added];
}

function textOf(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(", ");
}

/** The name of what a loop over the list at this path looks at. */
function eachOf(path: string): string {
  return `i${path.split("[]").length}`;
}

/** Wraps what is said of one object into the loops and guards that lead to it. */
type Reach = (inner: (self: string) => string) => string;

function* levelsOf(schema: z.ZodType, path: string, reach: Reach): Generator<Level> {
  if (schema instanceof z.ZodArray) {
    const each = eachOf(path);
    yield* levelsOf(schema.element as z.ZodType, `${path}[]`, (inner) =>
      reach((self) => `${self}.map(${each}, ${inner(each)}).filter(t, t != '').join(', ')`),
    );
  } else if (schema instanceof z.ZodObject) {
    const allowed = allowedIn(schema);
    yield { path, allowed, cel: reach((self) => `${self}.filter(k, !(k in [${textOf(allowed)}])).join(', ')`) };
    for (const { name, field, optional } of fieldsOf(schema)) {
      yield* levelsOf(field, `${path}.${name}`, (inner) =>
        reach((self) => {
          const text = inner(`${self}.${name}`);
          return optional ? `(has(${self}.${name}) ? ${text} : '')` : text;
        }),
      );
    }
  }
}
