// Command schema prints crates/k8s/src/schema/kubernetes.txt: the types of Kubernetes' built-in kinds in several minor versions;
// with the argument lifecycle, api_versions.txt beside it: the API versions that Kubernetes deprecated or removed.
//
// What there is comes from the OpenAPI documents in Kubernetes' own module, one a version; which values a field may have
// and what an empty one becomes at admission from the Go types of the newest version, which this module is built with.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// versions are those that the table covers, the newest patch of each minor; the last is the one in go.mod.
var versions = []string{"1.30.14", "1.31.14", "1.32.13", "1.33.13", "1.34.4", "1.35.4", "1.36.3"}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "schema:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) > 1 && os.Args[1] == "lifecycle" {
		return writeLifecycle(os.Stdout)
	}
	all := newTable()
	for _, version := range versions {
		minor, err := strconv.Atoi(strings.Split(version, ".")[1])
		if err != nil {
			return err
		}
		folder, err := module("k8s.io/kubernetes@v" + version)
		if err != nil {
			return err
		}
		of, err := readOpenAPI(filepath.Join(folder, "api", "openapi-spec", "v3"))
		if err != nil {
			return fmt.Errorf("%s: %w", version, err)
		}
		all.add(of, minor)
	}
	all.chooseKinds()
	all.dropUnreached()
	if err := all.markFromGo(); err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	all.write(out)
	return out.Flush()
}

// module is the folder of a Go module in the module cache, fetched if it is not there.
func module(name string) (string, error) {
	command := exec.Command("go", "mod", "download", "-json", name)
	command.Dir = os.TempDir() // outside of any module: no go.sum is touched
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	var got struct{ Dir string }
	if err := json.Unmarshal(out, &got); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return got.Dir, nil
}
