#!/bin/sh
# Issues certificates for development: a CA and one pair for the gate, and, where a name is given, one for a client that
# calls it (--client-ca). Usage: issue.sh FOLDER [CLIENT]. See README.md beside this.
set -eu

folder=${1:?usage: issue.sh FOLDER [CLIENT]}
client=${2:-}
names=${KUBEVET_NAMES:-DNS:localhost,IP:127.0.0.1,DNS:kubevet.kubevet.svc}

case $(cd "$(dirname "$0")" && pwd -P) in
  "$(mkdir -p "$folder" && cd "$folder" && pwd -P)")
    echo "issue.sh: not beside this script: keys do not belong into the repository" >&2
    exit 2
    ;;
esac
if [ -e "$folder/ca.crt" ]; then
  echo "issue.sh: $folder/ca.crt is there already: choose another folder, or delete that one" >&2
  exit 2
fi
# Keys are for their owner alone, from the first byte.
umask 077

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=kubevet development CA" \
  -addext "basicConstraints=critical,CA:true,pathlen:0" -addext "keyUsage=critical,keyCertSign" \
  -keyout "$folder/issuer.key" -out "$folder/ca.crt" 2>/dev/null

# pair FILE COMMON-NAME USAGE [NAMES]
pair() {
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" \
    -keyout "$folder/$1.key" -out "$folder/$1.csr" 2>/dev/null
  {
    echo "basicConstraints=critical,CA:false"
    echo "keyUsage=critical,digitalSignature"
    echo "extendedKeyUsage=$3"
    if [ -n "${4:-}" ]; then echo "subjectAltName=$4"; fi
  } >"$folder/$1.ext"
  openssl x509 -req -in "$folder/$1.csr" -CA "$folder/ca.crt" -CAkey "$folder/issuer.key" -CAcreateserial -days 30 \
    -extfile "$folder/$1.ext" -out "$folder/$1.crt" 2>/dev/null
  rm "$folder/$1.csr" "$folder/$1.ext"
}

pair tls "kubevet" serverAuth "$names"
if [ -n "$client" ]; then pair client "$client" clientAuth; fi
rm -f "$folder/ca.srl"
echo "wrote $folder: ca.crt, tls.crt, tls.key${client:+, client.crt, client.key}; issuer.key signs more of them" >&2
