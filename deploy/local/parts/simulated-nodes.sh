# Nodes that do not exist: kwok reports for them what a kubelet would, by the rules of simulated-pods.yaml.
# shellcheck shell=bash

# In the background: it overlaps with what the API server does before it says that it is ready. One kubectl makes 50 objects a
# second at most, so several share the work; each prints nothing but its errors.
make_simulated_nodes() {
  local count=${nodes#*kwok:} share from to
  share=$(((count + 3) / 4))
  [ "$share" -ge 25 ] || share=25
  making=()
  for ((from = 1; from <= count; from += share)); do
    to=$((from + share - 1 < count ? from + share - 1 : count))
    make_share "$from" "$to" >/dev/null 2>>"$data/logs/simulated-nodes.log" &
    making+=($!)
  done
}

# A young API server refuses some requests, and a busy one lets them time out: what was made already "AlreadyExists" the next time.
make_share() {
  local tries errors
  for tries in {1..20}; do
    errors=$(simulated_nodes "$1" "$2" | admin create --validate=false -f - 2>&1 >/dev/null) && return 0
    echo "$errors" >&2
    grep -qv AlreadyExists <<<"$errors" || return 0
    sleep 0.5
  done
  return 1
}

start_simulated_nodes() {
  local pid
  # kwok finds all of them at once when it starts.
  for pid in "${making[@]}"; do
    wait "$pid" || { dead=simulated-nodes; return 1; }
  done
  sed "s/RUN_MS/$kwok_run_ms/g" "$here/simulated-pods.yaml" >"$data/kwok.yaml"
  kubeconfig kwok /O=system:masters/CN=kwok
  # Every label that says so makes a node a simulated one, also when somebody else creates it. It stands for machines of
  # their own, so it takes little of this one in any profile: a quarter less so.
  start kwok env GOGC="${GOGC:-400}" GOMAXPROCS="$(half_of_the_cores)" "$bin/kwok" --kubeconfig "$data/kwok.kubeconfig" \
    --config "$data/kwok.yaml" --manage-nodes-with-label-selector kube-pool.dev/simulated=true --node-lease-duration-seconds 100 --node-ip 127.0.0.1
}

# simulated_nodes FROM TO: node-0001 … as YAML, ready from the start. Each has its own /24 for Pods' addresses.
# The beta labels and the ttl annotation are what the controller manager would add, one write each.
simulated_nodes() {
  local i name now conditions type
  printf -v now '%(%Y-%m-%dT%H:%M:%SZ)T' -1
  for ((i = $1; i <= $2; i++)); do
    printf -v name 'node-%04d' "$i"
    conditions="{type: Ready, status: 'True', reason: KubeletReady, message: simulated, lastHeartbeatTime: '$now', lastTransitionTime: '$now'}"
    for type in MemoryPressure DiskPressure PIDPressure; do
      conditions+=", {type: $type, status: 'False', reason: KubeletHasNoPressure, message: simulated, lastHeartbeatTime: '$now', lastTransitionTime: '$now'}"
    done
    printf '%s\n' "---" "apiVersion: v1" "kind: Node" "metadata:" "  name: $name" \
      "  labels: {kube-pool.dev/simulated: 'true', type: kwok, kubernetes.io/hostname: $name, kubernetes.io/os: linux, kubernetes.io/arch: amd64, beta.kubernetes.io/os: linux, beta.kubernetes.io/arch: amd64}" \
      "  annotations: {kwok.x-k8s.io/node: fake, node.alpha.kubernetes.io/ttl: '0'}" \
      "spec: {podCIDR: 10.$((64 + i / 256)).$((i % 256)).0/24, podCIDRs: [10.$((64 + i / 256)).$((i % 256)).0/24]}" \
      "status:" \
      "  capacity: {cpu: '$kwok_cpu', memory: '$kwok_memory', pods: '$kwok_pods'}" \
      "  allocatable: {cpu: '$kwok_cpu', memory: '$kwok_memory', pods: '$kwok_pods'}" \
      "  addresses: [{type: InternalIP, address: 127.0.0.1}, {type: Hostname, address: $name}]" \
      "  conditions: [$conditions]" \
      "  nodeInfo: {architecture: amd64, operatingSystem: linux, kubeletVersion: simulated, containerRuntimeVersion: simulated, kernelVersion: simulated, osImage: simulated, kubeProxyVersion: '', machineID: '', systemUUID: '', bootID: ''}"
  done
}
