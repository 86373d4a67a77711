// The removal of our finalizer from a Job: from this very Job, or from nothing.
import { finalizers } from "../api/labels.ts";
import type { Write } from "./engine.ts";
import { jobs } from "./job.ts";
import type { JobView, RoundView } from "./views.ts";

/** Undefined when nothing of ours holds it. */
export function releaseJob({ metadata, finalizers: held }: JobView | RoundView): Write | undefined {
  const index = held.indexOf(finalizers.record);
  if (index < 0) return undefined;
  const { namespace, name, uid } = metadata;
  const path = `/metadata/finalizers/${index}`;
  return {
    kind: "patch",
    resource: jobs,
    key: { namespace, name },
    patch: {
      type: "json",
      operations: [
        { op: "test", path: "/metadata/uid", value: uid },
        { op: "test", path, value: finalizers.record },
        { op: "remove", path },
      ],
    },
  };
}
