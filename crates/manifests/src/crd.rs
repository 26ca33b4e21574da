//! The custom resource `ControlBinding`: its form, as the API server checks it.
//!
//! The reader in `policy` is the judge of a binding's meaning; this schema refuses early what can be refused by form alone.

use super::text::fill;

/// The CustomResourceDefinition: the same in every cluster.
pub(super) fn crd() -> String {
    fill(CRD, |name| match name {
        "rule" => Some(RULE),
        "selector" => Some(SELECTOR),
        _ => None,
    })
}

const CRD: &str = r#"# What a ControlBinding looks like: which controls hold for which requests, and what is done about their findings.
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: controlbindings.kubevet.io
  labels:
    @labels@
  @crd-annotations@
spec:
  group: kubevet.io
  scope: Cluster
  names:
    kind: ControlBinding
    listKind: ControlBindingList
    plural: controlbindings
    singular: controlbinding
    shortNames: [cb]
    categories: [kubevet]
  versions:
    - name: v1alpha1
      served: true
      storage: true
      subresources:
        status: {}
      additionalPrinterColumns:
        - {name: Frameworks, type: string, jsonPath: .spec.frameworks}
        - {name: Actions, type: string, jsonPath: .spec.validationActions}
        - {name: Accepted, type: string, jsonPath: '.status.conditions[?(@.type=="Accepted")].status'}
        - {name: Controls, type: string, jsonPath: .spec.controls, priority: 1}
        - {name: Message, type: string, jsonPath: '.status.conditions[?(@.type=="Accepted")].message', priority: 1}
        - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
      schema:
        openAPIV3Schema:
          description: >-
            Says which controls hold for which requests, and what is done about their findings.
            `spec: {validationActions: [Deny], frameworks: [NSA]}` is a whole one.
          type: object
          required: [spec]
          properties:
            apiVersion: {type: string}
            kind: {type: string}
            metadata: {type: object}
            spec:
              type: object
              x-kubernetes-validations:
                - rule: "has(self.controls) || has(self.frameworks)"
                  message: "name what holds: controls (ids, or \"*\" for all) or frameworks, or both"
              properties:
                controls:
                  description: 'Ids of controls, such as C-0057; "*" means all.'
                  type: array
                  x-kubernetes-list-type: set
                  minItems: 1
                  maxItems: 1000
                  items: {type: string, minLength: 1, maxLength: 128}
                frameworks:
                  description: Names of frameworks, such as NSA; all controls of each hold.
                  type: array
                  x-kubernetes-list-type: set
                  minItems: 1
                  maxItems: 100
                  items: {type: string, minLength: 1, maxLength: 128}
                minSeverity:
                  description: Of the controls named, only those of this severity or over it.
                  type: string
                  enum: [low, medium, high, critical]
                excludeControls:
                  description: Ids of controls that do not hold although they are named.
                  type: array
                  x-kubernetes-list-type: set
                  maxItems: 1000
                  items: {type: string, minLength: 1, maxLength: 128}
                matchResources:
                  description: >-
                    Which requests it is meant for; all where it is left out.
                    Words and meaning are those of a ValidatingAdmissionPolicy.
                  type: object
                  properties:
                    resourceRules:
                      description: A request must match one of these; all do where there are none.
                      type: array
                      x-kubernetes-list-type: atomic
                      maxItems: 100
                      items:
                        @rule@
                    excludeResourceRules:
                      description: A request that matches one of these is not meant.
                      type: array
                      x-kubernetes-list-type: atomic
                      maxItems: 100
                      items:
                        @rule@
                    namespaceSelector:
                      description: Labels of the object's namespace. Objects without a namespace are not held to it.
                      @selector@
                    objectSelector:
                      description: Labels of the object, new or old. Whoever writes the object chooses its labels.
                      @selector@
                    namespaces:
                      description: Only requests of these namespaces.
                      type: array
                      x-kubernetes-list-type: set
                      maxItems: 1000
                      items: {type: string, minLength: 1, maxLength: 63}
                    excludeNamespaces:
                      description: No requests of these namespaces.
                      type: array
                      x-kubernetes-list-type: set
                      maxItems: 1000
                      items: {type: string, minLength: 1, maxLength: 63}
                validationActions:
                  description: >-
                    What is done about a finding; [Warn] where it is left out. Deny refuses the request, Warn shows a
                    warning to the client, Audit writes into the API server's audit log. Deny already says what Warn says.
                  type: array
                  x-kubernetes-list-type: set
                  minItems: 1
                  maxItems: 3
                  items: {type: string, enum: [Deny, Warn, Audit]}
                  x-kubernetes-validations:
                    - rule: "!('Deny' in self && 'Warn' in self)"
                      message: "Deny and Warn together say the same thing twice: choose one"
                params:
                  description: >-
                    What the controls are told, by the names that `kubevet list control ID` shows, such as
                    insecureCapabilities; a list of strings or one string each, checked when the binding is read.
                  type: object
                  x-kubernetes-preserve-unknown-fields: true
                onUpdate:
                  description: >-
                    What an UPDATE is held to: New (where left out), only what it brings in, or All, everything that is
                    wrong with the new object.
                  type: string
                  enum: [New, All]
                onOwned:
                  description: >-
                    What happens to an object that a built-in controller makes for an owner that was judged itself:
                    Warn (where left out) or Deny.
                  type: string
                  enum: [Warn, Deny]
                onUnevaluated:
                  description: >-
                    What happens to a request that could not be judged. Deny (where left out) refuses it where
                    validationActions has Deny, and warns elsewhere.
                  type: string
                  enum: [Deny, Warn, Allow]
            status:
              description: Written by kubevet.
              type: object
              properties:
                observedGeneration:
                  description: The generation of the spec that the conditions speak of.
                  type: integer
                  format: int64
                lastGood:
                  description: >-
                    The last form that kubevet could read, for a start that finds the binding broken. Only kubevet may
                    write it: whoever may write the status of a binding decides what then holds.
                  type: object
                  properties:
                    observedGeneration: {type: integer, format: int64}
                    spec:
                      description: The spec, as JSON.
                      type: string
                      maxLength: 65536
                conditions:
                  description: Accepted says whether the binding is in force, what it covers, and why something in it cannot work.
                  type: array
                  x-kubernetes-list-type: map
                  x-kubernetes-list-map-keys: [type]
                  maxItems: 16
                  items:
                    type: object
                    required: [type, status, lastTransitionTime, reason, message]
                    properties:
                      type: {type: string, minLength: 1, maxLength: 316}
                      status: {type: string, enum: ["True", "False", Unknown]}
                      observedGeneration: {type: integer, format: int64, minimum: 0}
                      lastTransitionTime: {type: string, format: date-time}
                      reason: {type: string, minLength: 1, maxLength: 1024}
                      message: {type: string, maxLength: 32768}
"#;

const RULE: &str = r#"type: object
required: [resources]
properties:
  apiGroups:
    description: API groups; the core group is the empty word. All ("*") where it is left out.
    type: array
    x-kubernetes-list-type: atomic
    maxItems: 100
    items: {type: string, maxLength: 253}
  apiVersions:
    description: API versions. All ("*") where it is left out.
    type: array
    x-kubernetes-list-type: atomic
    maxItems: 100
    items: {type: string, minLength: 1, maxLength: 63}
  resources:
    description: Such as pods, pods/ephemeralcontainers, pods/* (with all subresources), "*", "*/*".
    type: array
    x-kubernetes-list-type: atomic
    minItems: 1
    maxItems: 100
    items: {type: string, minLength: 1, maxLength: 253}
  operations:
    description: All ("*") where it is left out.
    type: array
    x-kubernetes-list-type: atomic
    maxItems: 5
    items: {type: string, enum: [CREATE, UPDATE, DELETE, CONNECT, "*"]}
  scope:
    description: Objects of namespaces, of the whole cluster, or both ("*", where it is left out).
    type: string
    enum: [Namespaced, Cluster, "*"]
  resourceNames:
    description: Names of objects. All where it is left out.
    type: array
    x-kubernetes-list-type: atomic
    maxItems: 1000
    items: {type: string, minLength: 1, maxLength: 253}
"#;

const SELECTOR: &str = r#"type: object
x-kubernetes-map-type: atomic
properties:
  matchLabels:
    type: object
    maxProperties: 100
    additionalProperties: {type: string, maxLength: 63}
  matchExpressions:
    type: array
    x-kubernetes-list-type: atomic
    maxItems: 100
    items:
      type: object
      required: [key, operator]
      properties:
        key: {type: string, minLength: 1, maxLength: 317}
        operator: {type: string, enum: [In, NotIn, Exists, DoesNotExist]}
        values:
          description: One or more for In and NotIn; none for Exists and DoesNotExist.
          type: array
          x-kubernetes-list-type: atomic
          maxItems: 1000
          items: {type: string, maxLength: 63}
      x-kubernetes-validations:
        - rule: "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)"
          message: "In and NotIn need values; Exists and DoesNotExist take none"
"#;
