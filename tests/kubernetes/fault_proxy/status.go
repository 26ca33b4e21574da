package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"

	"kubevet.io/tests/kubernetes/apiclient"
)

// reasons are the usual reasons of status codes.
var reasons = map[int]string{400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 410: "Expired", 422: "Invalid",
	429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout"}

// status is a failure in the form of the API server.
func status(code int, reason, message string, retryAfter int) apiclient.Object {
	if reason == "" {
		reason = reasons[code]
	}
	if message == "" {
		message = "fault_proxy: " + reason
	}
	object := apiclient.Object{"kind": "Status", "apiVersion": "v1", "metadata": apiclient.Object{}, "status": "Failure", "message": message, "reason": reason, "code": code}
	if retryAfter > 0 {
		object["details"] = apiclient.Object{"retryAfterSeconds": retryAfter}
	}
	return object
}

// refuse answers by the status of a rule.
func refuse(w http.ResponseWriter, e *entry, r *rule) {
	if r.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(r.RetryAfter))
	}
	respond(w, e, status(r.Status, r.Reason, r.Message, r.RetryAfter), r.Status)
}

func respond(w http.ResponseWriter, e *entry, object apiclient.Object, code int) {
	e.Code = code
	w.Header().Set("Content-Type", apiclient.JSON)
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(object) // the client has gone
}

// A continue token is JSON: {"v":"meta.k8s.io/v1","rv":5,"start":"…"}. The version -1 means: go on, in whatever version
// there is.
func decodeToken(token string) (decoded apiclient.Object) {
	if text, err := base64.RawURLEncoding.DecodeString(token); err == nil {
		_ = json.Unmarshal(text, &decoded) // nil if it is another kind of token
	}
	return decoded
}

func isInconsistent(token string) bool { return decodeToken(token)["rv"] == float64(-1) }

// refuseToken answers that a continue token has expired, with a token to go on with.
func refuseToken(w http.ResponseWriter, e *entry, token string) {
	object := status(http.StatusGone, "", "The provided continue parameter is too old to display a consistent list result.", 0)
	if decoded := decodeToken(token); decoded != nil {
		decoded["rv"] = -1
		text, _ := json.Marshal(decoded) // it was JSON
		object["metadata"] = apiclient.Object{"continue": base64.RawURLEncoding.EncodeToString(text)}
	}
	respond(w, e, object, http.StatusGone)
}
