// Rules over a whole object that no single field's schema can keep: each is written in CEL for the API server and, side by
// side with it, as a function for the operator, which trusts nothing that it reads.

export interface Rule<T> {
  /** CEL over `self`, and `oldSelf` where it is about a change. */
  readonly rule: string;
  /** Names field, limit and what to do; no amounts, since the API server finds every text made of a number too costly. */
  readonly message: string;
  /** It is about fields that cannot change: what a stored object has was judged when it came. */
  readonly ofFixed?: true;
  /** The field that it is about, from the object that the rule stands on: `.items`. */
  readonly fieldPath?: string;
  /** The same rule here; absent for rules about a change, since the operator sees no change. */
  readonly holds?: (value: T) => boolean;
}

/**
 * The extension under which the API server looks for rules. It runs each at every write, also of a status, and pays several
 * times over for one what is computed in it: so those of one object are two, about what is there and about what changes,
 * the words are looked for where one is broken, and what cannot change is judged once. Each time that a rule names a field,
 * the API server copies what it knows of all fields beside it, twice. `readOnce`: fields that are always there, and that
 * rules about fixed ones, or about what is there where none is, name often.
 */
export function validations<T>(
  rules: readonly Rule<T>[],
  readOnce: readonly string[] = [],
): { readonly "x-kubernetes-validations": readonly object[] } {
  const isChange = ({ rule }: Rule<T>): boolean => /\boldSelf\b/.test(rule);
  const groups = [
    together(
      rules.filter((rule) => !isChange(rule)),
      readOnce,
    ),
    together(rules.filter(isChange)),
  ];
  return { "x-kubernetes-validations": groups.flat() };
}

function together<T>(rules: readonly Rule<T>[], readOnce: readonly string[] = []): readonly object[] {
  const [first, ...more] = rules;
  if (first === undefined) return [];
  const { message, fieldPath } = first;
  const words = rules.map(({ message }) => JSON.stringify(message));
  const found = rules
    .slice(0, -1)
    .reduceRight((rest, { rule }, i) => `!(${rule}) ? ${words[i]} : ${rest}`, words.at(-1));
  const said = more.length > 0 ? { messageExpression: found } : { message, ...(fieldPath && { fieldPath }) };
  const fixed = rules.filter(({ ofFixed }) => ofFixed);
  if (fixed.length === 0) return [{ rule: readOnce.reduce(withRead, allOf(rules)), ...said }];
  const others = rules.filter(({ ofFixed }) => !ofFixed);
  const ofNew = `oldSelf.hasValue() || ${readOnce.reduce(withRead, allOf(fixed))}`;
  const rule = others.length > 0 ? `(${allOf(others)}) && (${ofNew})` : ofNew;
  return [{ rule, ...said, optionalOldSelf: true }];
}

function allOf<T>(rules: readonly Rule<T>[]): string {
  const [only, ...more] = rules.map(({ rule }) => rule);
  return only !== undefined && more.length === 0 ? only : rules.map(({ rule }) => `(${rule})`).join(" && ");
}

/** CEL names a value by going through a list of that one. */
function withRead(rule: string, field: string): string {
  return `[self.${field}].all(${field}, ${rule.replaceAll(new RegExp(`\\bself\\.${field}\\b`, "g"), field)})`;
}

/** Of a field that is always there, to stand on the field itself: there no field beside it counts. */
export function fixed(field: string): ReturnType<typeof validations> {
  return validations([{ rule: "self == oldSelf", message: `${field} cannot be changed; create another task` }]);
}

/** The field cannot be changed once it is set, added later or removed. It stands on the parent, since a rule on an
 * optional field itself is slipped by removing the field and adding it again. */
export function immutable(field: string, instead = "create another task"): Rule<unknown> {
  const [is, was] = [`self.${field}`, `oldSelf.${field}`];
  return {
    rule: `has(${is}) ? has(${was}) && ${is} == ${was} : !has(${was})`,
    message: `${field} cannot be changed; ${instead}`,
    fieldPath: `.${field}`,
  };
}
