// What a verb throws when it will not do what was asked. The message is all that the user sees.

/** Wrong use: exit status 2. The message names the argument and says what to do. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Right use, but not now or not with this object: exit status 1. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}
