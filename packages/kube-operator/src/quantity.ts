// resource.Quantity: Kubernetes' numbers with a unit ("500m", "1.5Gi", "2e3"), exact to one billionth.
// Knows nothing of which resource a quantity counts.

/** How a quantity is written: powers of 1000, powers of 1024, or an exponent. It is kept through arithmetic. */
export type QuantityFormat = "DecimalSI" | "BinarySI" | "DecimalExponent";

/** What the API server accepts, in RE2, for schemas. */
export const quantityPattern: RegExp = /^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$/;

const NANO = 1_000_000_000n;
const LARGEST_BINARY = (2n ** 63n - 1n) * NANO;
/** Beyond it a number would only cost time: the API server refuses nothing here, but nobody means it. */
const LARGEST_EXPONENT = 1000;

const decimalExponents: ReadonlyMap<string, number> = new Map(
  Object.entries({ n: -9, u: -6, m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }),
);
const binarySuffixes: readonly string[] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/** An exact amount. Immutable; arithmetic returns a new one. */
export class Quantity {
  /** The amount in billionths. */
  readonly nano: bigint;
  readonly format: QuantityFormat;

  constructor(nano: bigint, format: QuantityFormat = "DecimalSI") {
    this.nano = nano;
    this.format = format;
  }

  add(other: Quantity): Quantity {
    return new Quantity(this.nano + other.nano, this.#formatWith(other));
  }

  sub(other: Quantity): Quantity {
    return new Quantity(this.nano - other.nano, this.#formatWith(other));
  }

  /** Negative, zero or positive, as for `Array.sort`. The way of writing does not count: 1Ki equals 1024. */
  compare(other: Quantity): number {
    return this.nano < other.nano ? -1 : this.nano > other.nano ? 1 : 0;
  }

  /** In whole units (bytes, CPUs), rounded away from zero: 1.2 is 2. */
  value(): number {
    return toSafeNumber(dividedAwayFromZero(this.nano, NANO));
  }

  /** In thousandths (milli-CPU), rounded away from zero. */
  milliValue(): number {
    return toSafeNumber(dividedAwayFromZero(this.nano, 1_000_000n));
  }

  /** The canonical text. */
  toString(): string {
    return formatQuantity(this);
  }

  toJSON(): string {
    return formatQuantity(this);
  }

  /** A zero has no way of writing of its own: a sum that starts at 0 is written like its first summand. */
  #formatWith(other: Quantity): QuantityFormat {
    return this.nano === 0n ? other.format : this.format;
  }
}

/** A number stands for its decimal text, as in JSON. Throws a SyntaxError that quotes what is wrong. */
export function parseQuantity(text: string | number): Quantity {
  const match = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:([KMGTPE]i)|([numkMGTPE]?)|[eE]([+-]?[0-9]+))$/.exec(String(text));
  if (match === null || text === "")
    throw notAQuantity(text, "expected a number with a suffix, such as 500m, 2, 1.5Gi");
  const [, sign, whole = "", fraction = "", binary, decimal, exponent] = match;
  const digits = BigInt(`${whole}${fraction}` || "0");
  const scale = -fraction.length;

  if (binary !== undefined) {
    const bytes = digits * 1024n ** BigInt(binarySuffixes.indexOf(binary));
    const nano = inNano(bytes, scale);
    const capped = nano > LARGEST_BINARY ? LARGEST_BINARY : nano;
    // Less than one byte would be rounded away in powers of 1024.
    return new Quantity(sign === "-" ? -capped : capped, capped < NANO ? "DecimalSI" : "BinarySI");
  }
  const power = exponent === undefined ? (decimalExponents.get(decimal ?? "") ?? 0) : Number(exponent);
  if (power > LARGEST_EXPONENT) throw notAQuantity(text, `its exponent is over ${LARGEST_EXPONENT}`);
  const nano = inNano(digits, scale + power);
  return new Quantity(sign === "-" ? -nano : nano, exponent === undefined ? "DecimalSI" : "DecimalExponent");
}

/** The one text that Kubernetes writes for an amount: no fraction, and the largest suffix that allows it. */
export function formatQuantity({ nano, format }: Quantity): string {
  if (nano === 0n) return "0";
  const whole = nano / NANO;
  if (format === "BinarySI" && nano % NANO === 0n && (whole >= 1024n || whole <= -1024n)) {
    const [digits, power] = withoutFactor(whole, 1024n, binarySuffixes.length - 1);
    return `${digits}${binarySuffixes[power]}`;
  }
  if (format === "DecimalExponent") {
    const [digits, thousands] = withoutFactor(nano, 1000n, Number.POSITIVE_INFINITY);
    return thousands === 3 ? `${digits}` : `${digits}e${3 * thousands - 9}`;
  }
  const suffixes = [...decimalExponents.keys()];
  const [digits, thousands] = withoutFactor(nano, 1000n, suffixes.length - 1);
  return `${digits}${suffixes[thousands]}`;
}

/** `digits` × 10^`power` in billionths. What is finer is rounded away from zero: who asks for a little gets a little. */
function inNano(digits: bigint, power: number): bigint {
  if (power >= -9) return digits * 10n ** BigInt(power + 9);
  if (digits === 0n) return 0n;
  // A power far below the last digit would be costly to compute, and the answer is known.
  const finer = -9 - power;
  return finer > digits.toString().length ? 1n : dividedAwayFromZero(digits, 10n ** BigInt(finer));
}

function dividedAwayFromZero(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  if (dividend % divisor === 0n) return quotient;
  return dividend > 0n ? quotient + 1n : quotient - 1n;
}

function withoutFactor(amount: bigint, factor: bigint, timesMax: number): [rest: bigint, times: number] {
  let rest = amount;
  let times = 0;
  while (times < timesMax && rest % factor === 0n) {
    rest /= factor;
    times++;
  }
  return [rest, times];
}

/** Saturates where integers end: an amount over 2^53 fits nowhere all the same, and must not throw in the middle of a plan. */
function toSafeNumber(amount: bigint): number {
  if (amount > BigInt(Number.MAX_SAFE_INTEGER)) return Number.MAX_SAFE_INTEGER;
  if (amount < BigInt(Number.MIN_SAFE_INTEGER)) return Number.MIN_SAFE_INTEGER;
  return Number(amount);
}

function notAQuantity(text: string | number, why: string): SyntaxError {
  const shown = String(text).length > 40 ? `${String(text).slice(0, 40)}…` : String(text);
  return new SyntaxError(`"${shown}" is not a quantity: ${why}`);
}
