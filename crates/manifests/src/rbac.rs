//! Who kubevet is in the cluster and what it may do: each rule with its reason, and nothing without one.

/// The account that it runs as.
pub(super) const SERVICE_ACCOUNT: &str = "apiVersion: v1
kind: ServiceAccount
metadata:
  name: kubevet
  namespace: @namespace@
  labels:
    @labels@
# The Deployment mounts a token of short life itself; no other pod gets one by accident.
automountServiceAccountToken: false
";

/// Rights over the cluster and over its own namespace. No right to read a workload: requests bring their objects. No
/// right to read Secrets but its own, and none to create or delete anything but events.
pub(super) const RBAC: &str = "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: kubevet
  labels:
    @labels@
rules:
  # Labels of namespaces, which bindings select by; its own namespace is made the owner of the webhook configuration.
  - apiGroups: [\"\"]
    resources: [namespaces]
    verbs: [get, list, watch]
  # The bindings that say which controls hold.
  - apiGroups: [kubevet.io]
    resources: [controlbindings]
    verbs: [get, list, watch]
  # Tells in a binding's status what it covers and why something in it cannot work.
  - apiGroups: [kubevet.io]
    resources: [controlbindings/status]
    verbs: [patch]
  # Its own webhook configuration and no other: writes the CA that the API server shall trust, and lets go of requests
  # when kubevet is removed.
  - apiGroups: [admissionregistration.k8s.io]
    resources: [validatingwebhookconfigurations]
    resourceNames: [kubevet]
    verbs: [get, update]
  # Says on objects and bindings what was denied; in every namespace, where the objects are.
  - apiGroups: [events.k8s.io]
    resources: [events]
    verbs: [create, patch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: kubevet
  labels:
    @labels@
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: kubevet
subjects:
  - kind: ServiceAccount
    name: kubevet
    namespace: @namespace@
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: kubevet
  namespace: @namespace@
  labels:
    @labels@
rules:
  # Its certificates, shared by all replicas; the empty Secret is part of the installation, so no right to create any.
  - apiGroups: [\"\"]
    resources: [secrets]
    resourceNames: [kubevet-tls]
    verbs: [get, patch]
  # Whether it is being removed or only restarted, when it is told to stop.
  - apiGroups: [apps]
    resources: [deployments]
    resourceNames: [kubevet]
    verbs: [get]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: kubevet
  namespace: @namespace@
  labels:
    @labels@
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: kubevet
subjects:
  - kind: ServiceAccount
    name: kubevet
    namespace: @namespace@
";
