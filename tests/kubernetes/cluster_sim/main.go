// Command cluster_sim fills a running control plane with objects, and changes them at a rate. API server, etcd and
// controllers are real; nodes are objects alone, and this process plays the scheduler and all kubelets. The same seed
// makes the same objects.
//
//	cluster_sim fill -kubeconfig FILE [-objects N] …     fills, prints a line of JSON, and plays the kubelets until stdin ends
//	cluster_sim churn -kubeconfig FILE [-rate R] …       changes what there is, a line of JSON for each change that a result follows
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"kubevet.io/tests/kubernetes/apiclient"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	ctx, end := context.WithCancel(ctx)
	go func() {
		// The other end of stdin goes away with the process that started this one.
		_, _ = io.Copy(io.Discard, os.Stdin)
		end()
	}()
	mode, args := "", os.Args[1:]
	if len(args) > 0 {
		mode, args = args[0], args[1:]
	}
	var err error
	switch mode {
	case "fill":
		err = runFill(ctx, args)
	case "churn":
		err = runChurn(ctx, args)
	default:
		fmt.Fprintln(os.Stderr, "usage: cluster_sim fill|churn -kubeconfig FILE [flags]; -h lists them")
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster_sim:", err)
		os.Exit(1)
	}
}

// filled is the line that is printed when the cluster stands.
type filled struct {
	Seconds float64 `json:"seconds"`
	Objects int     `json:"objects"`
	// Objects by the plural of their kind.
	Kinds map[string]int `json:"kinds"`
	// Requests that the API server has refused, such as objects of charts that are not valid.
	Refused int64 `json:"refused"`
}

func runFill(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("fill", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig of an admin")
	folder := flags.String("charts", "", "folder of YAML files, each with the objects of one application (default: those in this program)")
	objects := flags.Int("objects", 2000, "about how many objects the cluster has in the end")
	nodes := flags.Int("nodes", 20, "number of nodes")
	workers := flags.Int("workers", 32, "number of requests at a time")
	seed := flags.Uint64("seed", 1, "the same seed makes the same objects")
	settle := flags.Duration("settle", 15*time.Minute, "the longest time to wait for the Pods to run")
	_ = flags.Parse(args) // ExitOnError
	began := time.Now()
	client, err := apiclient.Load(*kubeconfig)
	if err != nil {
		return err
	}
	charts, err := readCharts(*folder)
	if err != nil {
		return err
	}
	if err := defineKinds(ctx, client, charts); err != nil {
		return err
	}
	resources, err := client.Discover(ctx)
	if err != nil {
		return err
	}
	f := newFiller(client, resources, *seed, *workers)
	if err := makeNodes(ctx, client, *nodes); err != nil {
		return err
	}
	k := startKubelets(ctx, client, *nodes)
	if err := f.fill(ctx, charts, *objects, *nodes); err != nil {
		return err
	}
	if err := k.settle(ctx, f.pods.Load(), *settle); err != nil {
		return err
	}
	line := filled{Seconds: time.Since(began).Seconds(), Refused: f.refused.Load()}
	if line.Kinds, line.Objects, err = count(ctx, client, resources); err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// count asks each resource for one object and the number of the others.
func count(ctx context.Context, client *apiclient.Client, resources []apiclient.Resource) (map[string]int, int, error) {
	kinds, total := map[string]int{}, 0
	seen := map[string]bool{}
	for _, r := range resources {
		// An object is served in several versions, and an Event by two groups: the first one counts.
		name := r.Group + "/" + r.Plural
		if !r.IsListed() || seen[name] || (r.Plural == "events" && r.Group != "") {
			continue
		}
		seen[name] = true
		list, err := client.Get(ctx, r.Path("", "")+"?limit=1")
		if err != nil {
			return nil, 0, err
		}
		number := len(apiclient.List(list, "items"))
		if more, ok := apiclient.At(list, "metadata", "remainingItemCount").(float64); ok {
			number += int(more)
		}
		if number > 0 {
			kinds[r.Plural] += number
			total += number
		}
	}
	return kinds, total, nil
}
