import { expect, test } from "vitest";
import { roomText } from "../../src/view/explanation.ts";

test("room is told in units that a person reads, and what is overdrawn as it stands", () => {
  const room = [
    { resource: "cpu", free: "32500m", capacity: "96" },
    { resource: "ephemeral-storage", free: "267847642337", capacity: "267847642337" },
    { resource: "memory", free: "-1Gi", capacity: "24632884Ki" },
    { resource: "nvidia.com/gpu", free: "0", capacity: "0" },
  ];
  expect(roomText(room)).toBe(
    "cpu 32500m free of 96, ephemeral-storage 249.45Gi free of 249.45Gi, memory -1Gi free of 23.49Gi",
  );
});
