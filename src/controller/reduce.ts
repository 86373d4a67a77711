// Folds results into one value as they are accepted, in whatever order: `results.reduce`. Exact: no floating point.

/** A decimal number: `digits` × 10^-`scale`. */
interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

/** Longer exponents would make numbers that no status can hold. */
const decimalForm = /^([+-]?)(\d{1,1000})(?:\.(\d{1,1000}))?(?:[eE]([+-]?\d{1,3}))?$/;

function parseDecimal(text: string): Decimal | undefined {
  const match = decimalForm.exec(text.trim());
  if (match === null) return undefined;
  const [, sign, whole = "", fraction = "", exponent = "0"] = match;
  const digits = BigInt(whole + fraction) * (sign === "-" ? -1n : 1n);
  const scale = fraction.length - Number(exponent);
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

function aligned(a: Decimal, b: Decimal): readonly [bigint, bigint, number] {
  const scale = Math.max(a.scale, b.scale);
  return [a.digits * 10n ** BigInt(scale - a.scale), b.digits * 10n ** BigInt(scale - b.scale), scale];
}

function formatDecimal({ digits, scale }: Decimal): string {
  const negative = digits < 0n;
  const text = (negative ? -digits : digits).toString().padStart(scale + 1, "0");
  const whole = text.slice(0, text.length - scale);
  const fraction = text.slice(text.length - scale).replace(/0+$/, "");
  return (negative ? "-" : "") + whole + (fraction === "" ? "" : `.${fraction}`);
}

export interface Reduction {
  accept(item: number, result: string): void;
  /** The value so far; absent before the first result. */
  value(): string | undefined;
  /** Results that could not be folded in, the first of them by item. */
  readonly refused: { readonly count: number; readonly item?: number; readonly text?: string };
}

abstract class Refusing implements Reduction {
  refused: { count: number; item?: number; text?: string } = { count: 0 };
  abstract accept(item: number, result: string): void;
  abstract value(): string | undefined;
  protected refuse(item: number, result: string): void {
    const first = this.refused.item === undefined || item < this.refused.item;
    this.refused = {
      ...this.refused,
      count: this.refused.count + 1,
      ...(first && { item, text: result.slice(0, 80) }),
    };
  }
}

class Numeric extends Refusing {
  #value: Decimal | undefined;
  readonly #combine: (a: Decimal, b: Decimal) => Decimal;
  constructor(combine: (a: Decimal, b: Decimal) => Decimal) {
    super();
    this.#combine = combine;
  }
  accept(item: number, result: string): void {
    const number = parseDecimal(result);
    if (number === undefined) this.refuse(item, result);
    else this.#value = this.#value === undefined ? number : this.#combine(this.#value, number);
  }
  value(): string | undefined {
    return this.#value && formatDecimal(this.#value);
  }
}

class Count extends Refusing {
  #count = 0;
  accept(): void {
    this.#count++;
  }
  value(): string {
    return String(this.#count);
  }
}

/** What a status can hold of a concatenation; the whole stands in the records. */
const concatBytes = 4096;

class Concat extends Refusing {
  readonly #results = new Map<number, string>();
  accept(item: number, result: string): void {
    this.#results.set(item, result);
  }
  value(): string | undefined {
    if (this.#results.size === 0) return undefined;
    let text = "";
    for (const item of [...this.#results.keys()].sort((a, b) => a - b)) {
      const next = text === "" ? this.#results.get(item) : `${text}\n${this.#results.get(item)}`;
      if (next === undefined || next.length > concatBytes) return `${text}…`;
      text = next;
    }
    return text;
  }
}

const reductions: Readonly<Record<string, () => Reduction>> = {
  Sum: () =>
    new Numeric((a, b) => {
      const [x, y, scale] = aligned(a, b);
      return { digits: x + y, scale };
    }),
  Min: () =>
    new Numeric((a, b) => {
      const [x, y] = aligned(a, b);
      return y < x ? b : a;
    }),
  Max: () =>
    new Numeric((a, b) => {
      const [x, y] = aligned(a, b);
      return y > x ? b : a;
    }),
  Count: () => new Count(),
  Concat: () => new Concat(),
};

/** The reduction of that name; none for `None`. */
export function reductionOf(name: string): Reduction | undefined {
  return reductions[name]?.();
}
