import { describe, expect, test } from "vitest";
import { imageNameProblem } from "../../src/api/image-name.ts";
import { problemText } from "../../src/api/problem.ts";
import { templateProblems } from "../../src/api/template-problems.ts";
import { aTemplate } from "../support/tasks.ts";

const sha256 = `sha256:${"0123456789abcdef".repeat(4)}`;

test.each([
  "busybox",
  "busybox:1.35",
  `busybox@${sha256}`,
  `ghcr.io/team/tool:v1.2_RC.3@${sha256}`,
  "localhost/tool",
  "localhost:5000/a/b/c:latest",
  "127.0.0.1:5000/tool",
  "[2001:db8::1]:5000/tool",
  "Registry.Example.COM/tool",
  "team/my-tool__x.y_z--w",
  "0123456789abcdef".repeat(4).slice(1),
])("%s names an image", (image) => {
  expect(imageNameProblem(image)).toBeUndefined();
});

test.each([
  ["", "it is empty"],
  ["busybox:1.35 ", "it has white space in it"],
  ["Busy Box", "it has white space in it"],
  ["https://ghcr.io/team/tool", "it begins like a URL"],
  ["docker://busybox", "it begins like a URL"],
  ["BusyBox:1.35", "its path has capital letters"],
  ["ghcr.io/Team/tool", "its path has capital letters"],
  ["0123456789abcdef".repeat(4), "64 hexadecimal digits are an image's ID"],
  ["busybox:", "it is not what registries understand"],
  ["busybox:1.35:2", "it is not what registries understand"],
  ["busybox@sha256:12", "it is not what registries understand"],
  ["-tool", "it is not what registries understand"],
  ["team//tool", "it is not what registries understand"],
  ["team/tool/", "it is not what registries understand"],
  [`tool:${"x".repeat(129)}`, "it is not what registries understand"],
  ["$(IMAGE)", "it is not what registries understand"],
])("%j does not: %s", (image, cause) => {
  expect(imageNameProblem(image)).toContain(` cannot name an image: ${cause}; write [REGISTRY/]PATH[:TAG]`);
});

describe("a template", () => {
  const told = (image: string, where: "containers" | "initContainers") => {
    const { spec, ...rest } = aTemplate() as { readonly spec: { readonly containers: readonly object[] } };
    const container = { ...spec.containers[0], image };
    const template = { ...rest, spec: { ...spec, [where]: [container] } };
    return templateProblems(template, { size: 1, mode: "Each" }).map(problemText);
  };

  test.each(["containers", "initContainers"] as const)("with such a text in its %s is refused by field", (where) => {
    expect(told("BusyBox", where)).toEqual([
      `spec.template.spec.${where}[0].image: "BusyBox" cannot name an image: its path has capital letters; write [REGISTRY/]PATH[:TAG] with the path in lower case, such as ghcr.io/team/tool:1.2`,
    ]);
    expect(told("busybox:1.35", where)).toEqual([]);
  });
});
