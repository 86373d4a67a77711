// What the API server refuses beyond the schemas, as ValidatingAdmissionPolicies: fields outside the template's allow-list,
// a changed template, a requester without the rights; and what confines the operator itself. Makes objects, sends none.
import type { Manifest } from "@dsl/kube-operator";
import { group } from "./group.ts";
import { labels } from "./labels.ts";
import { itemExpansionMessage, itemExpansions, reservedDomains, reservedVariablePrefix } from "./reserved-names.ts";
import { isAllowedTemplate, isWithinTemplates, levels } from "./template-levels.ts";

export interface OperatorIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
}

interface Validation {
  readonly expression: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: "Forbidden" | "Invalid";
}

interface Match {
  readonly apiGroup: string;
  readonly resources: readonly string[];
  readonly operations: readonly ("CREATE" | "UPDATE" | "DELETE")[];
}

/** Each policy is followed by the binding that puts it in force everywhere. */
export function admissionPolicies(operator: OperatorIdentity): readonly Manifest[] {
  return [
    ...templatePolicy(),
    ...rightsPolicy(),
    ...dividePolicy(),
    ...operatorPolicy(operator),
    ...operatorPodsPolicy(operator),
  ];
}

/** The object of a finalizer's removal is let pass, so that a task can always go; whether it is being deleted never counts. */
const specChanges = "(oldObject == null || object.spec != oldObject.spec)";

const tasks: Match = { apiGroup: group, resources: ["pooledtasks"], operations: ["CREATE", "UPDATE"] };

// --- the template ---

/** What each part of the policy says once, by the name of its variable; the API server computes one when it is used. */
const templateVariables: Readonly<Record<string, string>> = {
  template: "object.spec.template",
  containers: "variables.template.spec.containers",
  init: "has(variables.template.spec.initContainers) ? variables.template.spec.initContainers : []",
  labels: reservedKeys("labels"),
  annotations: reservedKeys("annotations"),
  ...Object.fromEntries(levels().map(({ path, cel }) => [variableOf(path), cel])),
};

/** Of a container `c`: no variable of it has a name that is the operator's own. */
const takesNoneOfOurs = `!has(c.env) || c.env.all(e, !e.name.startsWith('${reservedVariablePrefix}'))`;
/** Of a word `w` of a command. */
const isWithoutItem = itemExpansions.map((text) => `!w.contains('${text}')`).join(" && ");

function templatePolicy(): readonly Manifest[] {
  return policy(
    "kube-pool-template",
    tasks,
    specChanges,
    [
      {
        expression: "oldObject == null || object.spec.template == oldObject.spec.template",
        message: "spec.template cannot be changed; create another task",
      },
      ...levels().map(({ path, allowed }) => ({
        expression: `variables.${variableOf(path)} == ''`,
        messageExpression: `'${path}: not allowed here: ' + variables.${variableOf(path)} + '; remove it (allowed: ${allowed.join(", ")})'`,
      })),
      ...["labels", "annotations"].map((map) => ({
        expression: `variables.${map} == ''`,
        messageExpression: `'spec.template.metadata.${map}: not allowed here: ' + variables.${map} + '; keys under ${reservedDomains.join(", ")} are not for users, remove it'`,
      })),
      {
        expression: `(variables.containers + variables.init).all(c, ${takesNoneOfOurs})`,
        message: `spec.template: environment variables named ${reservedVariablePrefix}* are the operator's own; rename them`,
      },
      {
        expression: `object.spec.chunk.size == 1 || variables.containers.all(c, ((has(c.command) ? c.command : []) + (has(c.args) ? c.args : [])).all(w, ${isWithoutItem}))`,
        message: `spec.template.spec.containers[0]: ${itemExpansionMessage}`,
      },
    ],
    { variables: templateVariables, isFine: isFineTemplate() },
  );
}

/** All that the policy holds against a template, without the words. */
function isFineTemplate(): string {
  const template = "object.spec.template";
  const containers = `${template}.spec.containers`;
  const initContainers = `${template}.spec.initContainers`;
  const noneReserved = (map: string): string =>
    `(!has(${template}.metadata) || !has(${template}.metadata.${map}) || !${template}.metadata.${map}.exists(k, ${isReserved("k")}))`;
  const words = (list: string): string => `(!has(c.${list}) || c.${list}.all(w, ${isWithoutItem}))`;
  return [
    `(oldObject == null || ${template} == oldObject.spec.template)`,
    isAllowedTemplate(template),
    noneReserved("labels"),
    noneReserved("annotations"),
    `${containers}.all(c, ${takesNoneOfOurs})`,
    `(!has(${initContainers}) || ${initContainers}.all(c, ${takesNoneOfOurs}))`,
    `(object.spec.chunk.size == 1 || ${containers}.all(c, ${words("command")} && ${words("args")}))`,
  ].join(" && ");
}

/** `spec.template.spec.volumes[]` is judged in the variable `unknown_in_template_spec_volumes`. */
function variableOf(path: string): string {
  return path.replace("spec.", "unknown_in_").replaceAll("[]", "").replaceAll(".", "_");
}

/** CEL for the keys of a map that are not for users, joined. */
function reservedKeys(map: string): string {
  const self = `variables.template.metadata.${map}`;
  return `has(variables.template.metadata) && has(${self}) ? ${self}.filter(k, ${isReserved("k")}).join(', ') : ''`;
}

function isReserved(key: string): string {
  const prefix = `${key}.split('/')[0]`;
  const domains = reservedDomains.map((domain) => `${prefix} == '${domain}' || ${prefix}.endsWith('.${domain}')`);
  return `${key}.contains('/') && (${domains.join(" || ")})`;
}

// --- the requester ---

function rightsPolicy(): readonly Manifest[] {
  const pool = `authorizer.group('${group}').resource('resourcepools').namespace(request.namespace).name(object.spec.poolRef.name)`;
  // Three questions to the authorizer are more than one expression may cost, so they stay three.
  return policy(
    "kube-pool-rights",
    tasks,
    specChanges,
    [
      {
        expression: "authorizer.group('batch').resource('jobs').namespace(request.namespace).check('create').allowed()",
        messageExpression:
          "'a PooledTask runs Jobs, and ' + request.userInfo.username + ' may not create jobs in namespace ' + request.namespace + '; ask for that right'",
        reason: "Forbidden",
      },
      {
        expression: `${pool}.check('use').allowed()`,
        messageExpression:
          "'spec.poolRef.name: ' + request.userInfo.username + ' may not use the pool ' + object.spec.poolRef.name + ' from namespace ' + request.namespace + '; ask for the verb use on this resourcepool'",
        reason: "Forbidden",
      },
      {
        // Whoever changes something else on a task that was raised by another needs no such right.
        expression: `object.spec.priority <= 0 || (oldObject != null && object.spec.priority <= oldObject.spec.priority) || ${pool}.check('prioritize').allowed()`,
        messageExpression:
          "'spec.priority: ' + string(object.spec.priority) + ' is over 0, which needs the verb prioritize on the pool ' + object.spec.poolRef.name + '; set 0 or less, or ask for that verb'",
        reason: "Forbidden",
      },
    ],
    { isFine: unasked },
  );
}

/** What a child takes from its parent; whoever changes something else on it needs no right over the parent. */
const dividing = ["parentRef", "reservation", "limit", "shares", "expandableReservation"] as const;

function dividePolicy(): readonly Manifest[] {
  const pools: Match = { apiGroup: group, resources: ["resourcepools"], operations: ["CREATE", "UPDATE"] };
  const isSame = (field: string): string =>
    `(has(object.spec.${field}) == has(oldObject.spec.${field}) && (!has(object.spec.${field}) || object.spec.${field} == oldObject.spec.${field}))`;
  const parent = "object.spec.parentRef.name";
  return policy("kube-pool-divide", pools, specChanges, [
    {
      expression: [
        "!has(object.spec.parentRef)",
        `(oldObject != null && ${dividing.map(isSame).join(" && ")})`,
        `authorizer.group('${group}').resource('resourcepools').name(${parent}).check('divide').allowed()`,
      ].join(" || "),
      messageExpression: `'spec.parentRef.name: ' + request.userInfo.username + ' may not divide the pool ' + ${parent} + '; ask for the verb divide on this resourcepool'`,
      reason: "Forbidden",
    },
  ]);
}

// --- the operator itself ---

function operatorPolicy(operator: OperatorIdentity): readonly Manifest[] {
  const owned = (object: string): string =>
    `${object} == null || (has(${object}.metadata.ownerReferences) && ${object}.metadata.ownerReferences.exists(o, has(o.controller) && o.controller && o.kind == 'PooledTask' && o.apiVersion.startsWith('${group}/')))`;
  const message = "the operator writes ConfigMaps and Jobs only where a PooledTask is their controller";
  return policy(
    "kube-pool-operator",
    [
      { apiGroup: "", resources: ["configmaps"], operations: ["CREATE", "UPDATE", "DELETE"] },
      { apiGroup: "batch", resources: ["jobs"], operations: ["CREATE", "UPDATE", "DELETE"] },
    ],
    isOperator(operator),
    [
      { expression: owned("object"), message, reason: "Forbidden" },
      { expression: owned("oldObject"), message, reason: "Forbidden" },
    ],
  );
}

/**
 * Pods of the managed engine: of a Job, for a task, and nothing in them that no template may ask for. What the API server
 * asks at every Pod it also pays at every Pod.
 */
function operatorPodsPolicy(operator: OperatorIdentity): readonly Manifest[] {
  const owned = (object: string): string =>
    `(${object} == null || (has(${object}.metadata.labels) && '${labels.taskUid}' in ${object}.metadata.labels && has(${object}.metadata.ownerReferences) && ${object}.metadata.ownerReferences.exists(o, has(o.controller) && o.controller && o.kind == 'Job' && o.apiVersion == 'batch/v1')))`;
  return policy(
    "kube-pool-operator-pods",
    { apiGroup: "", resources: ["pods"], operations: ["CREATE", "DELETE"] },
    isOperator(operator),
    [
      {
        expression: `${owned("object")} && ${owned("oldObject")}`,
        message: "the operator creates and deletes Pods only of a PooledTask's Job",
        reason: "Forbidden",
      },
      {
        expression: `object == null || (${isWithinTemplates("object")})`,
        message: "spec: the operator creates Pods only of what a PooledTask's template may have, and this one has more",
        reason: "Forbidden",
      },
    ],
  );
}

function isOperator({ namespace, serviceAccount }: OperatorIdentity): string {
  return `request.userInfo.username == 'system:serviceaccount:${namespace}:${serviceAccount}'`;
}

/** Where the validations are asked without that question. */
const unasked = "";

interface Asking {
  /** For the validations. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Whether all of them would pass, of what is of interest; by itself what they say, one after the other. */
  readonly isFine?: string;
}

/**
 * The API server computes every validation and the words of its message, whether it passes or not, and reads the object
 * anew for each of the two. So the question stands in the one condition that is asked first, and what is wrong with an
 * object is worked out only where something is.
 */
function policy(
  name: string,
  matches: Match | readonly Match[],
  isOfInterest: string,
  validations: readonly Validation[],
  { variables = {}, isFine = validations.map(({ expression }) => `(${expression})`).join(" && ") }: Asking = {},
): readonly Manifest[] {
  const apiVersion = "admissionregistration.k8s.io/v1";
  return [
    {
      apiVersion,
      kind: "ValidatingAdmissionPolicy",
      metadata: { name },
      spec: {
        failurePolicy: "Fail",
        matchConstraints: {
          resourceRules: [matches].flat().map(({ apiGroup, resources, operations }) => ({
            apiGroups: [apiGroup],
            apiVersions: ["*"],
            operations,
            resources,
          })),
        },
        matchConditions: [
          { name: "refused", expression: isFine === unasked ? isOfInterest : `${isOfInterest} && !(${isFine})` },
        ],
        ...(Object.keys(variables).length > 0 && {
          variables: Object.entries(variables).map(([variable, expression]) => ({ name: variable, expression })),
        }),
        validations,
      },
    },
    {
      apiVersion,
      kind: "ValidatingAdmissionPolicyBinding",
      metadata: { name },
      spec: { policyName: name, validationActions: ["Deny"] },
    },
  ];
}
