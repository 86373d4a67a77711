// The operator of the runtime's README on a real API server.
import { httpKubeApi, kubeconfigConnection } from "@dsl/kube-operator";
import { readmeOperatorSuite } from "../../packages/kube-operator/test/readme-operator.ts";
import { sharedControlPlane } from "../support/shared-control-plane.ts";

readmeOperatorSuite("on a real API server", async () => {
  const { kubeconfig } = await sharedControlPlane();
  const api = httpKubeApi(await kubeconfigConnection({ path: kubeconfig, environment: process.env }));
  return {
    api,
    kubeconfig,
    stop: async () => api.close(),
  };
});
