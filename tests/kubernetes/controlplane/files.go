package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"k8s.io/client-go/util/cert"
)

// files are what the servers read from DIR. What identifies the cluster (keys, certificates, port) is made once and
// kept, so that a second run on DIR is the same cluster to its clients.
type files struct {
	port              int
	certificate, key  string // of the API server; the certificate file holds its CA as well
	serviceAccountKey string
	tokens            string
	auditPolicy       string
	kubeconfig        string
}

// adminToken is the token of a member of system:masters, who may do everything.
const adminToken = "admin-token"

// users are lines of a token file: token, name, uid, groups. The developer may do only what a test grants.
const users = adminToken + ",admin,admin,\"system:masters\"\n" +
	"developer-token,developer,developer\n"

// auditPolicy records every request with its annotations, once, as it ends.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
`

// prepare makes DIR's files, where absent.
func prepare(s settings) files {
	in := func(name string) string { return filepath.Join(s.dir, name) }
	f := files{
		port:              rememberPort(in("port"), s.port),
		certificate:       in("apiserver.crt"),
		key:               in("apiserver.key"),
		serviceAccountKey: in("sa.key"),
		tokens:            in("tokens.csv"),
		auditPolicy:       in("audit-policy.yaml"),
		kubeconfig:        in("kubeconfig"),
	}
	if !exists(f.certificate) {
		makeCertificate(f.certificate, f.key)
	}
	if !exists(f.serviceAccountKey) {
		makeServiceAccountKey(f.serviceAccountKey)
	}
	write(f.tokens, users)
	write(f.auditPolicy, auditPolicy)
	write(f.kubeconfig, kubeconfig(f, "admin", adminToken))
	write(in("developer.kubeconfig"), kubeconfig(f, "developer", "developer-token"))
	return f
}

// rememberPort is the port asked for, else that of the last run, else a free one.
func rememberPort(path string, asked int) int {
	port := asked
	if port == 0 {
		text, err := os.ReadFile(path)
		if err == nil {
			port, err = strconv.Atoi(strings.TrimSpace(string(text)))
			must(err)
		} else {
			port = freePort()
		}
	}
	write(path, fmt.Sprintln(port))
	return port
}

// freePort is a port of loopback that nobody listens on now. It is below the ports that systems give to outgoing
// connections, one of which could take it before a server listens on it, and above those of the servers of tests.
func freePort() int {
	const first, count, tries = 22_500, 10_000, 1_000
	for range tries {
		port := first + mathrand.IntN(count)
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			must(listener.Close())
			return port
		}
	}
	must(fmt.Errorf("no port of 127.0.0.1 from %d to %d is free", first, first+count-1))
	return 0
}

// makeCertificate writes a serving certificate, followed by the CA that signed it, and its key.
func makeCertificate(certificate, key string) {
	chain, private, err := cert.GenerateSelfSignedCertKey("127.0.0.1", []net.IP{net.IPv4(127, 0, 0, 1)}, []string{"localhost"})
	must(err)
	write(key, string(private))
	write(certificate, string(chain))
}

// makeServiceAccountKey writes the key that signs the tokens of service accounts.
func makeServiceAccountKey(path string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	der, err := x509.MarshalECPrivateKey(key)
	must(err)
	write(path, string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})))
}

// kubeconfig is how a user reaches the API server; the file of its certificate holds the CA to trust.
func kubeconfig(f files, user, token string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: t, cluster: {server: "https://127.0.0.1:%d", certificate-authority: %q}}]
users: [{name: %s, user: {token: %s}}]
contexts: [{name: t, context: {cluster: t, user: %s}}]
current-context: t
`, f.port, f.certificate, user, token, user)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	if !errors.Is(err, fs.ErrNotExist) {
		must(err)
	}
	return err == nil
}

// write puts a file there as a whole, readable by us alone: a run that is killed leaves no half of one.
func write(path, text string) {
	half := path + ".new"
	must(os.WriteFile(half, []byte(text), 0o600))
	must(os.Rename(half, path))
}
