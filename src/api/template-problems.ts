// What is wrong with a task's template: fields outside the allow-list, reserved names, image names that are none, and what
// cannot be with several items a shard. The admission policy says the same at the door, but for the image names; this holds also
// where it is not installed.
import type { ChunkSize } from "./chunks.ts";
import { imageNameProblem } from "./image-name.ts";
import type { Problem } from "./problem.ts";
import { read } from "./reading.ts";
import {
  isReservedKey,
  itemExpansionMessage,
  itemExpansions,
  reservedDomains,
  reservedVariablePrefix,
} from "./reserved-names.ts";
import { allowedTemplate, type Container, type PodSpec } from "./template.ts";

/** What a template may not have, field by field, and what to do about it. */
export function templateProblems(
  template: unknown,
  chunk: { readonly size: ChunkSize; readonly mode: string },
): Problem[] {
  const reading = read(allowedTemplate, [], template, "spec.template", () => "TemplateRefused");
  if (!reading.ok) return [...reading.problems];
  const { metadata, spec } = reading.value;
  return [
    ...keyProblems("spec.template.metadata.labels", metadata?.labels),
    ...keyProblems("spec.template.metadata.annotations", metadata?.annotations),
    ...[...containersOf(spec)].flatMap(([field, container]) => [
      ...imageProblems(field, container),
      ...variableProblems(field, container),
    ]),
    ...commandProblems(spec.containers, chunk),
  ];
}

/** All containers, each with the path to it. */
function* containersOf(spec: PodSpec): Generator<[field: string, container: Container]> {
  for (const [index, container] of spec.containers.entries())
    yield [`spec.template.spec.containers[${index}]`, container];
  for (const [index, container] of (spec.initContainers ?? []).entries()) {
    yield [`spec.template.spec.initContainers[${index}]`, container];
  }
}

function keyProblems(field: string, map: Readonly<Record<string, string>> | undefined): Problem[] {
  return Object.keys(map ?? {})
    .filter((key) => isReservedKey(key))
    .map((key) =>
      refused(
        `${field}[${JSON.stringify(key)}]`,
        `keys under ${reservedDomains.join(", ")} are not allowed; remove it`,
      ),
    );
}

function imageProblems(field: string, { image }: Container): Problem[] {
  const problem = image === undefined ? undefined : imageNameProblem(image);
  return problem === undefined ? [] : [refused(`${field}.image`, problem)];
}

function variableProblems(field: string, { env = [] }: Container): Problem[] {
  return env.flatMap(({ name }, index) =>
    name.startsWith(reservedVariablePrefix)
      ? [
          refused(
            `${field}.env[${index}].name`,
            `${name} is not allowed: ${reservedVariablePrefix}* are the operator's own; rename it`,
          ),
        ]
      : [],
  );
}

function commandProblems(
  containers: readonly Container[],
  { size, mode }: { size: ChunkSize; mode: string },
): Problem[] {
  if (size === 1) return [];
  return containers.flatMap((container, at) => {
    const field = `spec.template.spec.containers[${at}]`;
    const stated = mode === "Whole" || (container.command ?? []).length > 0;
    return [
      ...(stated
        ? []
        : [
            refused(
              `${field}.command`,
              "is missing; chunk.size other than 1 in mode Each runs the command once for each item, so state it",
            ),
          ]),
      ...(["command", "args"] as const).flatMap((part) =>
        (container[part] ?? []).flatMap((word, index) =>
          itemExpansions.some((expansion) => word.includes(expansion))
            ? [refused(`${field}.${part}[${index}]`, itemExpansionMessage)]
            : [],
        ),
      ),
    ];
  });
}

function refused(field: string, message: string): Problem {
  return { reason: "TemplateRefused", field, message };
}
