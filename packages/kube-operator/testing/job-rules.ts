// What the API server makes of a Job beyond what it does to any object: the labels by which its Pods are found, and what
// it takes for a status (Kubernetes 1.36: pkg/apis/batch/validation, pkg/registry/batch/job). Pure.
import { sameJson } from "../src/json-schema.ts";
import type { Cause } from "./api-errors.ts";
import { isObject, type JsonObject } from "./json.ts";
import type { StoredObject } from "./object-rules.ts";

const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce((found: unknown, field) => (isObject(found) ? found[field] : undefined), value);
const count = (value: unknown): number => (typeof value === "number" ? value : 0);

/** As stored: its selector, and the labels in its template that the selector looks for. */
export function withJobLabels(job: StoredObject): StoredObject {
  const { uid, name } = job.metadata;
  const spec = isObject(job.spec) ? job.spec : {};
  const template = isObject(spec.template) ? spec.template : {};
  const metadata = isObject(template.metadata) ? template.metadata : {};
  const labels = {
    ...(isObject(metadata.labels) ? metadata.labels : {}),
    "controller-uid": uid,
    "job-name": name,
    "batch.kubernetes.io/controller-uid": uid,
    "batch.kubernetes.io/job-name": name,
  };
  const selector = { matchLabels: { "batch.kubernetes.io/controller-uid": uid } };
  return { ...job, spec: { ...spec, selector, template: { ...template, metadata: { ...metadata, labels } } } };
}

/** Only what changes is judged, as the server does; so what is stored already stays. */
export function jobStatusErrors(old: StoredObject, next: StoredObject): readonly Cause[] {
  const causes: Cause[] = [];
  const refuse = (field: string, why: string): void => {
    causes.push({ reason: "FieldValueInvalid", message: `Invalid value: ${why}`, field: `status.${field}` });
  };
  const was = isObject(old.status) ? old.status : {};
  const is = isObject(next.status) ? next.status : {};
  const held = (status: JsonObject, type: string): boolean =>
    Array.isArray(status.conditions) &&
    status.conditions.some((each) => at(each, "type") === type && at(each, "status") === "True");
  const changed = (...fields: readonly string[]): boolean => fields.some((field) => !sameJson(was[field], is[field]));
  const turned = (...types: readonly string[]): boolean => types.some((type) => held(was, type) !== held(is, type));
  const isOver = held(is, "Complete") || held(is, "Failed");
  const overTurned = (held(was, "Complete") || held(was, "Failed")) !== isOver;
  const spec = isObject(next.spec) ? next.spec : {};
  const isIndexed = spec.completionMode === "Indexed";

  for (const field of ["active", "succeeded", "failed", "ready", "terminating"]) {
    if (count(is[field]) < 0) refuse(field, "must be greater than or equal to 0");
  }
  for (const type of ["Failed", "Complete", "FailureTarget"]) {
    if (held(was, type) && !held(is, type)) refuse("conditions", `cannot disable the terminal ${type}=True condition`);
  }
  if (held(was, "SuccessCriteriaMet") && !held(is, "SuccessCriteriaMet"))
    refuse("conditions", "cannot disable the SuccessCriteriaMet=True condition");
  if (count(is.failed) < count(was.failed)) refuse("failed", "cannot decrease the failed counter");
  if (!(isIndexed && spec.completions === spec.parallelism) && count(is.succeeded) < count(was.succeeded))
    refuse("succeeded", "cannot decrease the succeeded counter");
  if (is.completionTime !== undefined && was.completionTime !== undefined && changed("completionTime"))
    refuse("completionTime", "field is immutable");
  if (was.startTime !== undefined && changed("startTime") && spec.suspend !== true)
    refuse("startTime", "field is immutable for unsuspended job once set");
  if (turned("Complete", "Failed") && held(is, "Complete") && held(is, "Failed"))
    refuse("conditions", "cannot set Complete=True and Failed=true conditions");
  if (held(is, "Complete") && held(is, "FailureTarget"))
    refuse("conditions", "cannot set Complete=True and FailureTarget=true conditions");
  if (is.completionTime !== undefined && !held(is, "Complete"))
    refuse("completionTime", "cannot set completionTime when there is no Complete=True condition");
  if ((turned("Complete") || changed("completionTime")) && is.completionTime === undefined && held(is, "Complete"))
    refuse("completionTime", "completionTime is required for Complete jobs");
  if (changed("startTime", "completionTime") && isBefore(is.completionTime, is.startTime))
    refuse("completionTime", "must be equal to or after `startTime`");
  if (turned("Failed") && held(is, "Failed") && !held(is, "FailureTarget"))
    refuse("conditions", "cannot set Failed=True condition without the FailureTarget=true condition");
  if (turned("Complete", "SuccessCriteriaMet") && held(is, "Complete") && !held(is, "SuccessCriteriaMet"))
    refuse("conditions", "cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
  if ((overTurned || changed("active")) && isOver && count(is.active) > 0)
    refuse("active", "active>0 is invalid for finished job");
  if ((overTurned || changed("startTime")) && isOver && is.startTime === undefined)
    refuse("startTime", "startTime is required for finished job");
  if ((overTurned || changed("terminating")) && isOver && count(is.terminating) > 0)
    refuse("terminating", "terminating>0 is invalid for finished job");
  if (overTurned && isOver && hasUncounted(is)) refuse("uncountedTerminatedPods", "must be empty for finished job");
  if (changed("ready", "active") && count(is.ready) > count(is.active))
    refuse("ready", "cannot set more ready pods than active");
  if (changed("completedIndexes") && is.completedIndexes !== undefined) {
    if (!isIndexed)
      refuse("completedIndexes", "cannot set non-empty completedIndexes when non-indexed completion mode");
    else if (!areIndexes(String(is.completedIndexes), count(spec.completions)))
      refuse("completedIndexes", "error parsing completedIndexes");
  }
  if (changed("failedIndexes") && is.failedIndexes !== undefined && spec.backoffLimitPerIndex === undefined)
    refuse("failedIndexes", "cannot set non-null failedIndexes when backoffLimitPerIndex is null");
  for (const other of ["Failed", "FailureTarget"]) {
    if (held(is, "SuccessCriteriaMet") && held(is, other))
      refuse("conditions", `cannot set SuccessCriteriaMet=True and ${other}=true conditions`);
  }
  return causes;
}

function isBefore(a: unknown, b: unknown): boolean {
  return typeof a === "string" && typeof b === "string" && Date.parse(a) < Date.parse(b);
}

function hasUncounted({ uncountedTerminatedPods }: JsonObject): boolean {
  return ["succeeded", "failed"].some((field) => {
    const pods = at(uncountedTerminatedPods, field);
    return Array.isArray(pods) && pods.length > 0;
  });
}

/** Ascending intervals such as `0-3,7`, below the number of completions. */
function areIndexes(text: string, completions: number): boolean {
  let last = -1;
  for (const interval of text === "" ? [] : text.split(",")) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(interval);
    const start = Number(match?.[1] ?? Number.NaN);
    const end = Number(match?.[2] ?? start);
    if (!(start > last) || !(end >= start) || end >= completions) return false;
    last = end;
  }
  return true;
}
