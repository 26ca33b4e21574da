// Command fault_proxy is a proxy on loopback, with TLS, in front of a real API server. Rules say what goes wrong, where,
// from which request on, and how often.
//
//	fault_proxy -upstream KUBECONFIG -dir DIR
//
// It writes DIR/kubeconfig, which leads through it, and prints one line of JSON with that path and the address of its
// control, which is HTTP without TLS:
//
//	PUT  /rules   sets the rules (JSON or YAML, see rule.go), and clears the log
//	POST /cut     breaks every request that is under way
//	POST /token   makes a new token, in DIR/token; the old one is answered by 401
//	GET  /log     the requests so far, and how each was answered
//
// It ends with its stdin. A client is cut off from the API server, without a sign, while this process is stopped (SIGSTOP).
package main

import (
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"

	"kubevet.io/tests/kubernetes/apiclient"
)

func main() {
	upstream := flag.String("upstream", "", "kubeconfig of the real API server")
	dir := flag.String("dir", "", "folder for kubeconfig, ca.crt and token")
	flag.Parse()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	if err := run(*upstream, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "fault_proxy:", err)
		os.Exit(1)
	}
}

// started is the line that is printed once it listens.
type started struct {
	Kubeconfig string `json:"kubeconfig"`
	Control    string `json:"control"`
}

func run(upstream, dir string) error {
	client, err := apiclient.Load(upstream)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	p := newProxy(client, dir)
	if err := p.rotateToken(); err != nil {
		return err
	}
	certificate, ca, err := issueCertificate()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	control, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	kubeconfig, err := writeKubeconfig(dir, listener.Addr().String(), ca)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(started{kubeconfig, control.Addr().String()}); err != nil {
		return err
	}
	ended := make(chan error, 2)
	go func() { ended <- http.Serve(control, p.control()) }()
	server := &http.Server{
		Handler:   p,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		ErrorLog:  log.New(io.Discard, "", 0), // connections that break are what it is for
	}
	go func() { ended <- server.ServeTLS(listener, "", "") }()
	return <-ended
}

func writeKubeconfig(dir, address string, ca []byte) (string, error) {
	type object = apiclient.Object
	authority := filepath.Join(dir, "ca.crt")
	if err := os.WriteFile(authority, ca, 0o600); err != nil {
		return "", err
	}
	text, err := yaml.Marshal(object{"apiVersion": "v1", "kind": "Config", "current-context": "faulty",
		"clusters": []any{object{"name": "faulty", "cluster": object{"server": "https://" + address, "certificate-authority": authority}}},
		"users":    []any{object{"name": "faulty", "user": object{"tokenFile": filepath.Join(dir, "token")}}},
		"contexts": []any{object{"name": "faulty", "context": object{"cluster": "faulty", "user": "faulty"}}}})
	if err != nil {
		return "", err
	}
	kubeconfig := filepath.Join(dir, "kubeconfig")
	return kubeconfig, os.WriteFile(kubeconfig, text, 0o600)
}
