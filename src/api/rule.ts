// Rules over a whole object that no single field's schema can keep: each is written in CEL for the API server and, side by
// side with it, as a function for the operator, which trusts nothing that it reads.

export interface Rule<T> {
  /** CEL over `self`, and `oldSelf` where it is about a change. */
  readonly rule: string;
  /** Names field, limit and what to do; no amounts, since the API server finds every text made of a number too costly. */
  readonly message: string;
  /** The field that it is about, from the object that the rule stands on: `.items`. */
  readonly fieldPath?: string;
  /** The same rule here; absent for rules about a change, since the operator sees no change. */
  readonly holds?: (value: T) => boolean;
}

/** The extension under which the API server looks for rules. */
export function validations<T>(rules: readonly Rule<T>[]): { readonly "x-kubernetes-validations": readonly object[] } {
  return {
    "x-kubernetes-validations": rules.map(({ rule, message, fieldPath }) => ({
      rule,
      message,
      ...(fieldPath !== undefined && { fieldPath }),
    })),
  };
}

/** The fields cannot be changed once they are set, added later or removed. It stands on the parent, since a rule on an
 * optional field itself is slipped by removing the field and adding it again. */
export function immutable(field: string, instead = "create another task"): Rule<unknown> {
  return {
    rule: `has(self.${field}) == has(oldSelf.${field}) && (!has(self.${field}) || self.${field} == oldSelf.${field})`,
    message: `${field} cannot be changed; ${instead}`,
    fieldPath: `.${field}`,
  };
}
