# The host's side of real containers: whether they are possible here, and the one process that holds the node (see real-node).
# shellcheck shell=bash

container_programs=(kubelet containerd containerd-shim-runc-v2 ctr crun busybox)

# no_containers: says why real containers cannot run here; fails when they can.
no_containers() {
  local program hierarchy
  [ "$(uname -s)" = Linux ] || { echo "this is not Linux"; return 0; }
  [ "$EUID" = 0 ] || { echo "real containers need root (their cgroups are root's)"; return 0; }
  for program in unshare mount setsid; do
    command -v "$program" >/dev/null || { echo "$program is not installed (package util-linux or mount)"; return 0; }
  done
  unshare --mount --propagation slave --pid --fork --kill-child --mount-proc true 2>/dev/null ||
    { echo "this machine does not let us make mount and PID namespaces (CAP_SYS_ADMIN)"; return 0; }
  hierarchy=$(cgroup_hierarchies | head -n 1)
  [ -n "$hierarchy" ] || { echo "no cgroups are mounted"; return 0; }
  while read -r hierarchy; do
    [ -w "$hierarchy" ] || { echo "the cgroups at $hierarchy are not writable"; return 0; }
  done < <(cgroup_hierarchies)
  return 1
}

cgroup_hierarchies() { awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/mounts; }

# Every cluster has a cgroup of its own: a kubelet ends the processes in all Pod cgroups below its root that it does not know.
make_cgroups() {
  local hierarchy file controller
  while read -r hierarchy; do
    mkdir -p "$hierarchy/$1"
    for file in cpuset.cpus cpuset.mems; do # v1: empty in a new group, and then no process may enter it
      [ -e "$hierarchy/cgroup.controllers" ] || [ ! -e "$hierarchy/$file" ] || cat "$hierarchy/$file" >"$hierarchy/$1/$file"
    done
    if [ -e "$hierarchy/cgroup.controllers" ]; then # v2: hand the controllers down
      for controller in $(<"$hierarchy/cgroup.controllers"); do
        echo "+$controller" >"$hierarchy/cgroup.subtree_control" || true
        echo "+$controller" >"$hierarchy/$1/cgroup.subtree_control" || true
      done 2>/dev/null
    fi
  done < <(cgroup_hierarchies)
}

remove_cgroups() {
  local hierarchy group tries
  while read -r hierarchy; do
    [ -d "$hierarchy/$1" ] || continue
    for tries in {1..100}; do # the kernel may need a moment to empty them
      while read -r group; do rmdir "$group" 2>/dev/null || true; done < <(find "$hierarchy/$1" -depth -type d 2>/dev/null)
      [ -d "$hierarchy/$1" ] || continue 2
      sleep 0.02
    done
    say "could not remove the cgroup $hierarchy/$1"
  done < <(cgroup_hierarchies)
}

# Starts the namespaces with containerd in them; the kubelet follows when `kubelet-may-start` appears, as it needs the API server.
start_container_node() {
  local node=$data/real
  mkdir -p "$node"/{mnt,kubelet,containerd,files}
  cgroup=kube-pool-$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')
  echo "$cgroup" >"$data/cgroup"
  make_cgroups "$cgroup"

  certificate kubelet-server /O=system:nodes/CN=system:node:127.0.0.1 "subjectAltName=IP:127.0.0.1"
  kubeconfig kubelet /O=system:nodes/CN=system:node:127.0.0.1
  cp "$data/pki/ca.crt" "$data/pki/kubelet-server.crt" "$data/pki/kubelet-server.key" "$data/kubelet.kubeconfig" "$node/files/"
  local image
  mkdir "$node/files/images"
  for image in "${images[@]}"; do cp "$image" "$node/files/images/"; done
  write_kubelet_settings "$node/files/kubelet.yaml"
  write_containerd_settings "$node/files/containerd.toml"

  # Killing the recorded process kills all that is in the namespaces, and the kernel removes their mounts.
  start node unshare --mount --propagation slave --pid --fork --kill-child --mount-proc \
    "$here/parts/real-node" "$bin" "$node" "$data/logs"
}

write_kubelet_settings() {
  cat >"$1" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: 127.0.0.1
port: $kubelet_port
healthzPort: 0
tlsCertFile: /run/kube-pool/files/kubelet-server.crt
tlsPrivateKeyFile: /run/kube-pool/files/kubelet-server.key
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: /run/kube-pool/files/ca.crt}}
authorization: {mode: Webhook}
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /$cgroup
failCgroupV1: false                # cgroup v1 is good enough here
failSwapOn: false
makeIPTablesUtilChains: false      # leave the host's network alone
resolvConf: /run/kube-pool/files/resolv.conf
podLogsDir: /var/log/pods          # within the namespace: in the data folder
maxPods: 250
clusterDNS: [10.0.0.10]            # there is none; without one each Pod gets a warning
clusterDomain: cluster.local
serializeImagePulls: false
imageGCHighThresholdPercent: 100   # never remove an image: there is no registry to get it back from
evictionHard: {memory.available: 50Mi, nodefs.available: 1%, nodefs.inodesFree: 1%, imagefs.available: 1%}
nodeStatusUpdateFrequency: 5s
volumeStatsAggPeriod: -1s          # nobody asks for volume statistics; measuring them costs disk reads
END
  cat >"$(dirname "$1")/resolv.conf" <<<"nameserver 127.0.0.1"
}

write_containerd_settings() {
  local snapshotter=overlayfs
  # An overlay cannot lie on an overlay, which is what the root of a container is; then layers are copied.
  [ "$(stat -f -c %T "$data")" != overlayfs ] || snapshotter=native
  cat >"$1" <<END
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
oom_score = 0
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
address = "/run/containerd/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
path = "/run/kube-pool/opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "kube-pool.local/sandbox:1"
restrict_oom_score_adj = true      # without CAP_SYS_RESOURCE Pods stay Pending otherwise
disable_apparmor = true
stream_server_address = "127.0.0.1"
stream_server_port = "0"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/run/kube-pool/cni/bin"
conf_dir = "/run/kube-pool/cni/net.d"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "$snapshotter"
default_runtime_name = "crun"       # in C: a container costs a quarter less CPU in all than with runc, in Go
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun.options]
BinaryName = "/run/kube-pool/bin/crun"
END
}
