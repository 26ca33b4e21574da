// Package apiclient is a small client of an API server: raw JSON over HTTP, with the address, CA and bearer token of a
// kubeconfig. The simulated cluster and the proxy need no more, and build in seconds without client-go.
package apiclient

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"sigs.k8s.io/yaml"
)

// Client sends requests to one API server.
type Client struct {
	Server, Token string
	HTTP          *http.Client
}

// kubeconfig is the part of such a file that is read.
type kubeconfig struct {
	Clusters []struct {
		Cluster struct {
			Server               string `json:"server"`
			CertificateAuthority string `json:"certificate-authority"`
		} `json:"cluster"`
	} `json:"clusters"`
	Users []struct {
		User struct {
			Token string `json:"token"`
		} `json:"user"`
	} `json:"users"`
}

// Load reads a kubeconfig that names a file with the CA and has a bearer token, as the control plane writes it.
func Load(file string) (*Client, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var config kubeconfig
	if err := yaml.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(config.Clusters) == 0 || len(config.Users) == 0 {
		return nil, fmt.Errorf("%s: no cluster or no user", file)
	}
	cluster := config.Clusters[0].Cluster
	ca, err := os.ReadFile(cluster.CertificateAuthority)
	if err != nil {
		return nil, fmt.Errorf("%s: certificate-authority: %w", file, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s: no certificate in %s", file, cluster.CertificateAuthority)
	}
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 64,
	}
	return &Client{cluster.Server, config.Users[0].User.Token, &http.Client{Transport: transport}}, nil
}

// Request sends a body, if it is not nil, and returns the response while its body is still arriving.
func (c *Client) Request(ctx context.Context, method, path, contentType string, body any) (*http.Response, error) {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.Server+path, reader)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.Token)
	request.Header.Set("User-Agent", "kubevet-cluster-sim")
	request.Header.Set("Accept", "application/json")
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	return c.HTTP.Do(request)
}

// Content types of bodies.
const (
	JSON       = "application/json"
	MergePatch = "application/merge-patch+json"
)

// Call sends a request and returns the object in the response. A status other than 2xx is an error, a [*Refused].
func (c *Client) Call(ctx context.Context, method, path, contentType string, body any) (Object, error) {
	response, err := c.Request(ctx, method, path, contentType, body)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode/100 != 2 {
		var status struct {
			Message string `json:"message"`
		}
		_ = json.Unmarshal(text, &status) // a proxy may answer in another form
		return nil, &Refused{response.StatusCode, fmt.Sprintf("%s %s: %d %s", method, path, response.StatusCode, strings.TrimSpace(status.Message))}
	}
	var object Object
	return object, json.Unmarshal(text, &object)
}

// Get reads an object or a list.
func (c *Client) Get(ctx context.Context, path string) (Object, error) {
	return c.Call(ctx, http.MethodGet, path, "", nil)
}

// Refused is a response that is not 2xx.
type Refused struct {
	Code int
	Text string
}

func (r *Refused) Error() string { return r.Text }

// IsCode says whether an error is a response of a status code.
func IsCode(err error, codes ...int) bool {
	var refused *Refused
	if !errors.As(err, &refused) {
		return false
	}
	for _, code := range codes {
		if refused.Code == code {
			return true
		}
	}
	return false
}
