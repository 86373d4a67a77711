# One certificate authority for a cluster and what it signs: a server certificate, and a kubeconfig for each component.
# shellcheck shell=bash

make_certificates() {
  local pki=$data/pki
  need openssl openssl
  mkdir -p "$pki"
  # Elliptic curves: a key takes milliseconds, where an RSA one may take a tenth of a second.
  key "$pki/ca"
  openssl req -x509 -new -key "$pki/ca.key" -sha256 -days 3650 -subj /CN=kube-pool-local -out "$pki/ca.crt" 2>"$pki/log" || certificate_failed
  certificate server /CN=kube-apiserver "subjectAltName=IP:127.0.0.1,IP:10.0.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
  key "$pki/service-accounts"
  openssl pkey -in "$pki/service-accounts.key" -pubout -out "$pki/service-accounts.pub" 2>"$pki/log" || certificate_failed
}

key() {
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$1.key" 2>"$data/pki/log" || certificate_failed
}

# certificate NAME SUBJECT [EXTENSION]: signed by the cluster's authority.
certificate() {
  local file=$data/pki/$1
  key "$file"
  printf '%s\n' "keyUsage=digitalSignature" "extendedKeyUsage=serverAuth,clientAuth" "${3:-basicConstraints=CA:FALSE}" >"$file.extensions"
  openssl req -new -key "$file.key" -subj "$2" -out "$file.request" 2>"$data/pki/log" &&
    openssl x509 -req -in "$file.request" -CA "$data/pki/ca.crt" -CAkey "$data/pki/ca.key" -set_serial "0x$(openssl rand -hex 8)" \
      -sha256 -days 3650 -extfile "$file.extensions" -out "$file.crt" 2>"$data/pki/log" || certificate_failed
  rm -f "$file.request" "$file.extensions"
}

certificate_failed() { die "openssl failed: $(tail -n 3 "$data/pki/log")"; }

# kubeconfig NAME SUBJECT [FILE]: writes FILE ($data/NAME.kubeconfig); the certificates are within it, so it may be copied elsewhere.
kubeconfig() {
  local name=$1
  certificate "$name" "$2"
  cat >"${3:-$data/$name.kubeconfig}" <<END
apiVersion: v1
kind: Config
current-context: kube-pool-local
clusters:
- name: kube-pool-local
  cluster:
    server: https://127.0.0.1:$api_port
    certificate-authority-data: $(base64 -w0 "$data/pki/ca.crt")
users:
- name: $name
  user:
    client-certificate-data: $(base64 -w0 "$data/pki/$name.crt")
    client-key-data: $(base64 -w0 "$data/pki/$name.key")
contexts:
- name: kube-pool-local
  context:
    cluster: kube-pool-local
    user: $name
END
}
