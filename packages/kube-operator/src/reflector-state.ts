// The states of a reflector and the ways between them. Pure: watch.ts does what each state says.

export type ReflectorState =
  /** A watch is asked to begin with all objects; they are set aside until a bookmark says that this was all. */
  | { readonly name: "Streaming" }
  /** The server does not begin watches so: pages of a list are read, and set aside until the last. */
  | { readonly name: "Paging" }
  /** The store is what the server had at the store's version; each event moves it on. */
  | { readonly name: "Following" }
  /** Something failed; it is tried again after the delay. */
  | { readonly name: "Waiting"; readonly delayMs: number; readonly next: ActiveState }
  /** The reflector was told to stop. */
  | { readonly name: "Stopped" };

export type ActiveState = Extract<ReflectorState, { name: "Streaming" | "Paging" | "Following" }>;

/** How the work of a state ended. */
export type Happening =
  /** All objects are in the store. */
  | { readonly name: "synced" }
  /** The server refuses to send initial events, or never says that they are complete. */
  | { readonly name: "refused" }
  /** The server closed a healthy watch, as it does every few minutes. */
  | { readonly name: "ended" }
  /** The version to go on from is no longer known to the server, or not yet. */
  | { readonly name: "outdated"; readonly delayMs: number }
  /** Anything else went wrong, for the n-th time in a row. */
  | { readonly name: "failed"; readonly delayMs: number; readonly failures: number }
  | { readonly name: "waited" }
  | { readonly name: "stopped" };

const streaming: ActiveState = { name: "Streaming" };

/** After so many failures in a row the version itself is suspected, and everything is asked for again. */
const failuresMax = 5;

export function nextState(state: ReflectorState, happening: Happening): ReflectorState {
  switch (happening.name) {
    case "synced":
      return { name: "Following" };
    case "refused":
      return { name: "Paging" };
    case "ended":
      return state;
    case "outdated":
      return waiting(happening.delayMs, streaming);
    case "failed":
      return waiting(happening.delayMs, afterFailure(state, happening.failures));
    case "waited":
      return state.name === "Waiting" ? state.next : state;
    case "stopped":
      return { name: "Stopped" };
  }
}

/** A watch that broke goes on from the same version: what the store has is still true. */
function afterFailure(state: ReflectorState, failures: number): ActiveState {
  return state.name === "Following" && failures % failuresMax !== 0 ? { name: "Following" } : streaming;
}

function waiting(delayMs: number, next: ActiveState): ReflectorState {
  return delayMs === 0 ? next : { name: "Waiting", delayMs, next };
}
