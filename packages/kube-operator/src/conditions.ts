// The conditions of a status, as kubectl wait and other controllers read them. Knows no condition in particular.

export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
  /** When the status, and not merely its reason, last changed. */
  readonly lastTransitionTime: string;
}

export type NewCondition = Omit<Condition, "lastTransitionTime">;

/** The conditions with this one in its place. Returns the same array when nothing changed, so that nothing is written. */
export function setCondition(conditions: readonly Condition[], next: NewCondition, now: number): readonly Condition[] {
  const old = conditionOf(conditions, next.type);
  const moved = old?.status !== next.status;
  const lastTransitionTime = moved || old === undefined ? timeText(now) : old.lastTransitionTime;
  const { type, status, reason, message, observedGeneration } = next;
  const set: Condition = {
    type,
    status,
    reason,
    message,
    ...(observedGeneration !== undefined && { observedGeneration }),
    lastTransitionTime,
  };
  if (old === undefined) return [...conditions, set];
  const same =
    !moved &&
    old.reason === reason &&
    old.message === message &&
    (old.observedGeneration === observedGeneration || observedGeneration === undefined);
  return same ? conditions : conditions.map((condition) => (condition.type === type ? set : condition));
}

export function conditionOf(conditions: readonly Condition[], type: string): Condition | undefined {
  return conditions.find((condition) => condition.type === type);
}

/** metav1.Time: whole seconds, as the server writes it. */
export function timeText(now: number): string {
  return new Date(now).toISOString().replace(/\.\d+Z$/, "Z");
}
