package apiclient

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
)

// Resource is a kind as the API server serves it.
type Resource struct {
	Group, Version, Plural, Kind string
	Namespaced                   bool
	Verbs                        []string
}

// APIVersion is the value of apiVersion in its objects.
func (r Resource) APIVersion() string {
	if r.Group == "" {
		return r.Version
	}
	return r.Group + "/" + r.Version
}

// Path is the path of an object; without a name that of the list, without a namespace that of all namespaces.
func (r Resource) Path(namespace, name string) string {
	path := "/apis/" + r.Group + "/" + r.Version
	if r.Group == "" {
		path = "/api/" + r.Version
	}
	if r.Namespaced && namespace != "" {
		path += "/namespaces/" + namespace
	}
	path += "/" + r.Plural
	if name != "" {
		path += "/" + name
	}
	return path
}

// IsListed says whether objects of the resource are stored: others, such as reviews, cannot be listed and watched.
func (r Resource) IsListed() bool {
	return slices.Contains(r.Verbs, "list") && slices.Contains(r.Verbs, "watch")
}

// discoveryList is the answer of aggregated discovery.
type discoveryList struct {
	Items []struct {
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
		Versions []struct {
			Version   string `json:"version"`
			Resources []struct {
				Resource     string `json:"resource"`
				ResponseKind struct {
					Kind string `json:"kind"`
				} `json:"responseKind"`
				Scope string   `json:"scope"`
				Verbs []string `json:"verbs"`
			} `json:"resources"`
		} `json:"versions"`
	} `json:"items"`
}

// Discover returns every resource that is served, by two requests; the preferred version of each group is first.
func (c *Client) Discover(ctx context.Context) ([]Resource, error) {
	var found []Resource
	for _, path := range []string{"/api", "/apis"} {
		list, err := c.discoverGroups(ctx, path)
		if err != nil {
			return nil, err
		}
		for _, group := range list.Items {
			for _, version := range group.Versions {
				for _, r := range version.Resources {
					found = append(found, Resource{group.Metadata.Name, version.Version, r.Resource, r.ResponseKind.Kind, r.Scope == "Namespaced", r.Verbs})
				}
			}
		}
	}
	return found, nil
}

func (c *Client) discoverGroups(ctx context.Context, path string) (list discoveryList, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Server+path, nil)
	if err != nil {
		return list, err
	}
	request.Header.Set("Authorization", "Bearer "+c.Token)
	request.Header.Set("Accept", "application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io")
	response, err := c.HTTP.Do(request)
	if err != nil {
		return list, err
	}
	defer response.Body.Close()
	return list, json.NewDecoder(response.Body).Decode(&list)
}
