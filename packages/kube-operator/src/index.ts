// Everything that an operator may use; testing aids are in ./testing. Sorted by file.
export { type AppliedFields, type ApplyOptions, apply, hasFields } from "./apply.ts";
export { type Clock, type Random, sleep, systemClock, systemRandom, type Timer } from "./clock.ts";
export { type Condition, conditionOf, type NewCondition, setCondition, timeText } from "./conditions.ts";
export { type Connection, type Environment, inClusterConnection } from "./connection.ts";
export {
  type Controller,
  type ControllerOptions,
  createController,
  type Owned,
  type WatchesOptions,
} from "./controller.ts";
export {
  type CustomResourceDefinition,
  type CustomResourceDefinitionVersion,
  type CustomResourceOptions,
  type CustomResourceVersion,
  customResourceDefinition,
  customResourceDefinitions,
  type OtherVersion,
  type PrinterColumn,
} from "./crd.ts";
export { crdDiff } from "./crd-diff.ts";
export {
  createEventRecorder,
  type EventObject,
  type EventRecorder,
  type EventRecorderOptions,
  type EventSubject,
  events,
  type NewEvent,
} from "./events.ts";
export { addFinalizer, hasFinalizer, removeFinalizer } from "./finalizers.ts";
export { type HealthCheck, type HealthOptions, type HealthServer, startHealthServer } from "./health.ts";
export { type HttpKubeApi, type HttpKubeApiOptions, httpKubeApi, type RequestAttempt } from "./http-kube-api.ts";
export { type JsonSchema, pruned, type ValidationRule, violations, withDefaults } from "./json-schema.ts";
export {
  ApiError,
  type DeleteOptions,
  isAlreadyExists,
  isConflict,
  isExpired,
  isForbidden,
  isInvalid,
  isNotFound,
  isTooManyRequests,
  type JsonPatch,
  type JsonPatchOperation,
  type KubeApi,
  type ListOptions,
  type ListPage,
  type LogOptions,
  listAll,
  type Patch,
  type RequestOptions,
  type Status,
  type WatchEvent,
  type WatchOptions,
  type WriteOptions,
} from "./kube-api.ts";
export { type KubeconfigOptions, kubeconfigConnection } from "./kubeconfig.ts";
export { type Elector, fencedKubeApi, type Leadership, LeaseLostError, localElector } from "./leader.ts";
export { threadElector } from "./leader-worker.ts";
export { type LeaseObject, type LeaseSettings, leases } from "./lease.ts";
export { type Log, silentLog } from "./log.ts";
export { dropManagedFields } from "./managed-fields.ts";
export { createManager, type Manager, type ManagerOptions, type Projection, type StoreSettings } from "./manager.ts";
export { processMetrics, type RuntimeMetrics, requestMetrics, runtimeMetrics } from "./metrics.ts";
export {
  apiVersionOf,
  controllerOf,
  controllerReference,
  type KubeObject,
  keyOf,
  keyText,
  type Manifest,
  type ObjectKey,
  type ObjectMeta,
  type OwnerReference,
  parseKey,
  type Resource,
} from "./object.ts";
export { formatQuantity, parseQuantity, Quantity, type QuantityFormat, quantityPattern } from "./quantity.ts";
export { type ReconcileContext, type Reconciler, type Requeue, type Result, TerminalError } from "./reconcile.ts";
export { re2Problem, schemaProblems, unboundedFields } from "./schema-checks.ts";
export { type Stoppable, stopSignal } from "./stop-signal.ts";
export {
  type Change,
  createStore,
  type IndexFunction,
  type Store,
  type Stored,
  type StoreOptions,
  type StoreReader,
} from "./store.ts";
export { structuralSchema } from "./structural-schema.ts";
export { createReflector, type Reflector, type ReflectorOptions } from "./watch.ts";
export { type AddOptions, createWorkQueue, type WorkQueue, type WorkQueueOptions } from "./workqueue.ts";
