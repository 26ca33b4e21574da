package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

// startEtcd runs etcd in this process, on the data of dir, and says where.
func startEtcd(dir string) string {
	client := loopback()
	peer := loopback()
	config := embed.NewConfig()
	config.Dir = dir
	config.LogLevel = "error"
	config.UnsafeNoFsync = true // the data has to outlive this process, never this machine
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	etcd, err := embed.StartEtcd(config)
	must(err)
	<-etcd.Server.ReadyNotify()
	return client.String()
}

// loopback is an address nobody listens on now.
func loopback() url.URL {
	return url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", freePort())}
}

// controllerManagerMode is the first argument that makes this binary the controller manager.
const controllerManagerMode = "controller-manager"

// startControllerManager runs kube-controller-manager beside us: it ends with us, since we hold its stdin, and we with it.
// Its controllers are users of their own, as in any real cluster.
func startControllerManager(f files) {
	self, err := os.Executable()
	must(err)
	manager := exec.Command(self, controllerManagerMode, "--kubeconfig="+f.kubeconfig, "--leader-elect=false",
		"--use-service-account-credentials=true", "--service-account-private-key-file="+f.serviceAccountKey,
		"--root-ca-file="+f.certificate, "--kube-api-qps=500", "--kube-api-burst=1000", "--secure-port=0", "--controllers=*", "--node-monitor-grace-period=876000h")
	manager.Stdout, manager.Stderr = os.Stderr, os.Stderr
	_, err = manager.StdinPipe()
	must(err)
	must(manager.Start())
	go func() {
		must(fmt.Errorf("the controller manager ended: %v", manager.Wait()))
	}()
}

// waitReady returns once the API server says that it is ready; it fails after two minutes.
func waitReady(f files) {
	client := trusting(f.certificate)
	request, err := http.NewRequest(http.MethodGet, fmt.Sprintf("https://127.0.0.1:%d/readyz", f.port), nil)
	must(err)
	request.Header.Set("Authorization", "Bearer "+adminToken)
	last := ""
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		response, err := client.Do(request)
		if err != nil {
			last = err.Error()
			continue
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return
		}
		last = string(body)
	}
	must(fmt.Errorf("the API server was not ready in two minutes: %s", last))
}

// trusting is a client that trusts the certificates of a file.
func trusting(certificates string) *http.Client {
	text, err := os.ReadFile(certificates)
	must(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}},
	}
}

// endWithStdin ends the process as the other end of a piped stdin goes away, however that process dies: nothing outlives
// a test. A terminal or /dev/null is no such pipe.
func endWithStdin(end func()) {
	info, err := os.Stdin.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return
	}
	// Whoever held it read our output, too: a line of log to nobody must not end us before end does.
	signal.Ignore(syscall.SIGPIPE)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		end()
	}()
}

// becomeRemoval replaces this process by one that removes dir: etcd cannot write to it any more, nor die of its loss
// half-way through.
func becomeRemoval(dir string) {
	rm, err := exec.LookPath("rm")
	must(err)
	must(syscall.Exec(rm, []string{"rm", "-rf", dir}, nil))
}

// endOnSignal ends at once: the API server would wait up to a minute for its watchers, and etcd's log holds all that was
// answered.
func endOnSignal(end func()) {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-stop
		end()
	}()
}
