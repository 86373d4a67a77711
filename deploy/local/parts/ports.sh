# Free ports on loopback. They lie below the range from which the kernel takes ports for outgoing connections, so that only
# another server can be faster; should one be, its component dies with "address already in use" and `up` starts again with others.
# shellcheck shell=bash

# choose_ports NAME…: sets each variable to a port of its own.
choose_ports() {
  local name port taken highest=32000 ephemeral
  read -r ephemeral _ </proc/sys/net/ipv4/ip_local_port_range
  [ "$ephemeral" -le 12000 ] || highest=$((ephemeral < 32000 ? ephemeral : 32000))
  taken=" $(ports_in_use) "
  for name; do
    while :; do
      port=$((10000 + (RANDOM * 32768 + RANDOM) % (highest - 10000)))
      [[ "$taken" == *" $port "* ]] || break
    done
    taken+="$port "
    printf -v "$name" %s "$port"
  done
}

# Local ports of all IPv4 and IPv6 sockets, as decimal numbers.
ports_in_use() {
  local table _ address
  for table in /proc/net/tcp /proc/net/tcp6; do
    [ -r "$table" ] || continue
    while read -r _ address _; do
      [[ "$address" == *:* ]] && printf '%d ' "0x${address##*:}"
    done < <(tail -n +2 "$table")
  done
}

# listens PORT: a cheap look before a client is started to ask for more.
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
