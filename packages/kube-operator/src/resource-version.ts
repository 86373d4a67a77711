// The order of resourceVersions. Since KEP-5504 the versions of one kind compare as numbers; they may exceed 2^53.

/** Negative when `a` is older than `b`, 0 when they are the same, positive when `a` is newer. */
export function compareResourceVersions(a: string, b: string): number {
  // Decimal numbers without leading zeros: the longer one is the greater, equally long ones compare digit by digit.
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

export function isNewer(a: string, than: string): boolean {
  return compareResourceVersions(a, than) > 0;
}
