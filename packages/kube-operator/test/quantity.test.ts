import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatQuantity, parseQuantity, Quantity, quantityPattern } from "../src/quantity.ts";

/** Text → canonical text, value() and milliValue(), as k8s.io/apimachinery 0.36 gives them; ours end at 2^53 − 1. */
const table: readonly (readonly [text: string, canonical: string, value: number, milli: number])[] = [
  ["0", "0", 0, 0],
  ["0Ki", "0", 0, 0],
  ["-0.0", "0", 0, 0],
  ["100m", "100m", 1, 100],
  ["1000m", "1", 1, 1000],
  ["1500m", "1500m", 2, 1500],
  ["0.5", "500m", 1, 500],
  [".5", "500m", 1, 500],
  ["1.", "1", 1, 1000],
  ["+7", "7", 7, 7000],
  ["007", "7", 7, 7000],
  ["2.5", "2500m", 3, 2500],
  ["1n", "1n", 1, 1],
  ["0.1n", "1n", 1, 1],
  ["1.0000000001", "1000000001n", 2, 1001],
  ["1e3", "1e3", 1000, 1_000_000],
  ["1E3", "1e3", 1000, 1_000_000],
  ["12e2", "1200", 1200, 1_200_000],
  ["1e-9", "1e-9", 1, 1],
  ["1.5e6", "1500e3", 1_500_000, 1_500_000_000],
  ["1e0", "1", 1, 1000],
  ["1E", "1E", Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  ["1k", "1k", 1000, 1_000_000],
  ["1500k", "1500k", 1_500_000, 1_500_000_000],
  ["1000000", "1M", 1_000_000, 1_000_000_000],
  ["1Ki", "1Ki", 1024, 1_024_000],
  ["1024Ki", "1Mi", 1_048_576, 1_048_576_000],
  ["1.5Gi", "1536Mi", 1_610_612_736, 1_610_612_736_000],
  ["1025Ki", "1025Ki", 1_049_600, 1_049_600_000],
  ["0.5Ki", "512", 512, 512_000],
  ["0.1Ki", "102400m", 103, 102_400],
  ["1.1Ki", "1126400m", 1127, 1_126_400],
  ["0.0001Ki", "102400u", 1, 103],
  ["-1Ki", "-1Ki", -1024, -1_024_000],
  ["-1500m", "-1500m", -2, -1500],
  ["128974848", "128974848", 128_974_848, 128_974_848_000],
  ["129e6", "129e6", 129_000_000, 129_000_000_000],
  ["129M", "129M", 129_000_000, 129_000_000_000],
  ["123Mi", "123Mi", 128_974_848, 128_974_848_000],
];

describe("quantities are what the API server makes of them", () => {
  test.each(table)("%s is written %s, with value %i and milliValue %i", (text, canonical, value, milli) => {
    const quantity = parseQuantity(text);
    expect([formatQuantity(quantity), quantity.value(), quantity.milliValue()]).toEqual([canonical, value, milli]);
  });

  test.each([
    "",
    " 1",
    "1 ",
    "1.1.M",
    "1+1.0M",
    "0.1mi",
    "0.1am",
    "aoeu",
    ".5i",
    "1i",
    "-3.01i",
    "-3.01e-",
    "1e",
    "1kk",
  ])("%j is refused", (text) => {
    expect(() => parseQuantity(text)).toThrow(SyntaxError);
    expect(quantityPattern.test(text)).toBe(false);
  });

  test("the message quotes the text, but not all of a long one", () => {
    expect(() => parseQuantity("12 apples")).toThrow(
      '"12 apples" is not a quantity: expected a number with a suffix, such as 500m, 2, 1.5Gi',
    );
    expect(() => parseQuantity("x".repeat(10_000))).toThrow(/^"x{40}…" is not/);
  });

  test("a number stands for its decimal text", () => {
    expect(formatQuantity(parseQuantity(0.25))).toBe("250m");
    expect(formatQuantity(parseQuantity(2e21))).toBe("2e21");
    expect(() => parseQuantity(Number.NaN)).toThrow(SyntaxError);
  });

  test("powers of 1024 end at 2^63-1 bytes, as in Kubernetes", () => {
    expect(parseQuantity("100Ei").nano).toBe((2n ** 63n - 1n) * 1_000_000_000n);
    expect(parseQuantity("-100Ei").nano).toBe(-(2n ** 63n - 1n) * 1_000_000_000n);
  });

  test("an exponent that nobody means costs no time", () => {
    expect(() => parseQuantity("1e999999999")).toThrow("its exponent is over 1000");
    expect(formatQuantity(parseQuantity("1e-999999999"))).toBe("1e-9");
  });
});

describe("arithmetic", () => {
  test("a sum is written as its first summand, unless that is zero", () => {
    const sum = (a: string, b: string): string => parseQuantity(a).add(parseQuantity(b)).toString();
    expect(sum("1Gi", "1M")).toBe("1074741824");
    expect(sum("512Mi", "512Mi")).toBe("1Gi");
    expect(sum("0", "1Gi")).toBe("1Gi");
    expect(parseQuantity("1Gi").sub(parseQuantity("1Mi")).toString()).toBe("1023Mi");
  });

  test("the way of writing does not count in a comparison", () => {
    expect(parseQuantity("1Ki").compare(parseQuantity("1024"))).toBe(0);
    expect(parseQuantity("999m").compare(parseQuantity("1"))).toBeLessThan(0);
    expect(parseQuantity("1Gi").compare(parseQuantity("1G"))).toBeGreaterThan(0);
  });

  test("in JSON it is its text", () => {
    expect(JSON.stringify({ cpu: parseQuantity("1500m") })).toBe('{"cpu":"1500m"}');
  });
});

const aQuantity = fc
  .tuple(
    fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
    fc.constantFrom("DecimalSI" as const, "BinarySI" as const, "DecimalExponent" as const),
  )
  .map(([nano, format]) => new Quantity(nano, format));

describe("for any quantity", () => {
  test("its text gives it back exactly", () => {
    fc.assert(
      fc.property(aQuantity, (quantity) => {
        const text = formatQuantity(quantity);
        expect(parseQuantity(text).nano).toBe(quantity.nano);
        expect(formatQuantity(parseQuantity(text))).toBe(text);
        expect(quantityPattern.test(text)).toBe(true);
      }),
    );
  });

  test("adding and taking away again changes nothing", () => {
    fc.assert(
      fc.property(aQuantity, aQuantity, (a, b) => {
        expect(a.add(b).sub(b).nano).toBe(a.nano);
        expect(a.add(b).nano).toBe(b.add(a).nano);
      }),
    );
  });

  test("value and milliValue are never less than the amount, and by less than one", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 52n }), (nano) => {
        const quantity = new Quantity(nano);
        for (const [rounded, unit] of [
          [quantity.value(), 1_000_000_000n],
          [quantity.milliValue(), 1_000_000n],
        ] as const) {
          const excess = BigInt(rounded) * unit - nano;
          expect(excess >= 0n && excess < unit).toBe(true);
        }
      }),
    );
  });
});
