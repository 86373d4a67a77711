// The API group of both kinds. Everything of ours that has a name in a cluster carries it.

export const group = "kube-pool.dev";
export const version = "v1alpha1";
export const apiVersion = `${group}/${version}`;
