//! What runs: namespace, Deployment, disruption budget, Service, network policy, the Secret for certificates.

/// Its namespace. Nothing else should live in it: it is exempt from kubevet's own verdicts.
pub(super) const NAMESPACE: &str = "apiVersion: v1
kind: Namespace
metadata:
  name: @namespace@
  labels:
    @labels@
    # kubevet keeps to the strictest profile itself.
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/warn: restricted
    pod-security.kubernetes.io/audit: restricted
";

/// Where certificates and their keys are kept.
pub(super) const SECRET: &str = "# Empty on purpose: kubevet writes its CA, certificate and keys here, and applying this file again leaves them alone.
apiVersion: v1
kind: Secret
metadata:
  name: kubevet-tls
  namespace: @namespace@
  labels:
    @labels@
type: Opaque
";

/// Where the certificates of those who sign for callers are mounted.
pub(super) const CLIENT_CA: &str = "/etc/kubevet/client-ca/ca.crt";

/// The program itself.
pub(super) const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: kubevet
  namespace: @namespace@
  labels:
    @labels@
spec:
  # Every replica answers; there is no leader to wait for.
  replicas: @replicas@
  selector:
    matchLabels:
      app.kubernetes.io/name: kubevet
  strategy:
    type: RollingUpdate
    rollingUpdate:
      # The new one is ready before an old one goes.
      maxUnavailable: 0
      maxSurge: 1
  template:
    metadata:
      labels:
        @labels@
    spec:
      serviceAccountName: kubevet
      # The token comes by the volume below: mounted where it is used, renewed every hour.
      automountServiceAccountToken: false
      # The environment needs no addresses of other services.
      enableServiceLinks: false
      # 5 s until every caller has heard, 25 s to answer what is in flight, and a reserve.
      terminationGracePeriodSeconds: 40
      @scheduling@
      topologySpreadConstraints:
        # One node or one zone lost leaves a replica; soft, so that a cluster of one node can install it.
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              app.kubernetes.io/name: kubevet
        - maxSkew: 1
          topologyKey: topology.kubernetes.io/zone
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              app.kubernetes.io/name: kubevet
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: kubevet
          image: @image@
          imagePullPolicy: @pull-policy@
          args:
            - serve
            - --listen=0.0.0.0:8443
            - --metrics-listen=0.0.0.0:8080
            - --tls-secret=kubevet-tls
            - --webhook-configuration=kubevet
            # Tells a restart from an uninstall: when this goes, webhooks that would block the cluster let go.
            - --deployment=kubevet
            - --decision-log=-
            @client-args@
            @extra-args@
          env:
            - name: POD_NAME
              valueFrom:
                fieldRef:
                  fieldPath: metadata.name
            - name: POD_NAMESPACE
              valueFrom:
                fieldRef:
                  fieldPath: metadata.namespace
          ports:
            - name: webhook
              containerPort: 8443
            - name: metrics
              containerPort: 8080
          # Alive as long as it answers at all: a cluster that is slow or away is no reason to restart it.
          livenessProbe:
            httpGet:
              path: /healthz
              port: metrics
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          # Not ready before library, bindings, namespaces and certificates are; the reasons are in the answer.
          readinessProbe:
            httpGet:
              path: /readyz
              port: metrics
            periodSeconds: 2
            timeoutSeconds: 2
            failureThreshold: 2
          resources:
            requests:
              cpu: @cpu-request@
              memory: @memory-request@
            limits:
              # Generous: throttling would show as slow writes to the API server.
              cpu: @cpu-limit@
              # Seen: 30 MiB at work; bodies have 256 MiB, and connections about 50 KiB each.
              memory: @memory-limit@
          securityContext:
            privileged: false
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            runAsNonRoot: true
            capabilities:
              drop: [ALL]
          volumeMounts:
            - name: api-access
              mountPath: /var/run/secrets/kubernetes.io/serviceaccount
              readOnly: true
            - name: client-ca
              mountPath: /etc/kubevet/client-ca
              readOnly: true
      volumes:
        # Who signs the certificates that callers show, where --client-ca asks for any.
        - name: client-ca
          configMap:
            name: kubevet-client-ca
            optional: true
        # What a client in a pod expects at that path: a token, whom to trust, and the namespace.
        - name: api-access
          projected:
            # Readable by the group of fsGroup, not by everybody.
            defaultMode: 0440
            sources:
              - serviceAccountToken:
                  path: token
                  expirationSeconds: 3607
              - configMap:
                  name: kube-root-ca.crt
                  items:
                    - key: ca.crt
                      path: ca.crt
              - downwardAPI:
                  items:
                    - path: namespace
                      fieldRef:
                        fieldPath: metadata.namespace
";

/// Drains take one replica at a time.
pub(super) const BUDGET: &str = "apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: kubevet
  namespace: @namespace@
  labels:
    @labels@
spec:
  # Not minAvailable: with one replica that would block the drain of its node for ever.
  maxUnavailable: 1
  # A replica that is not ready serves nobody: it need not hold up a drain.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      app.kubernetes.io/name: kubevet
";

/// Where the API server finds it.
pub(super) const SERVICE: &str = "apiVersion: v1
kind: Service
metadata:
  name: kubevet
  namespace: @namespace@
  labels:
    @labels@
spec:
  selector:
    app.kubernetes.io/name: kubevet
  ports:
    - name: webhook
      port: 443
      targetPort: webhook
    - name: metrics
      port: 8080
      targetPort: metrics
";

/// Who may speak to it and whom it may speak to.
pub(super) const NETWORK_POLICY: &str = "apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: kubevet
  namespace: @namespace@
  labels:
    @labels@
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/name: kubevet
  policyTypes: [Ingress, Egress]
  ingress:
    # Reviews, from the addresses of the API servers where they were given. Else from any: API servers run on host networks
    # or outside the cluster, where no selector finds them, and a guess that is wrong stops every review. Whoever can reach
    # the port can send reviews, so give the addresses if you know them, or let kubevet check who calls (--client-ca).
    - ports:
        - port: 8443
          protocol: TCP
      @api-servers@
    # Metrics, from pods of this cluster. Probes come from the node and are always let through.
    - from:
        - namespaceSelector: {}
      ports:
        - port: 8080
          protocol: TCP
  egress:
    # The API server and nothing else; its address is in the environment, so no DNS. Policies see the port either before
    # or after the Service's address is translated, so both are named: add yours if it listens elsewhere.
    - ports:
        - port: 443
          protocol: TCP
        - port: 6443
          protocol: TCP
        - port: 8443
          protocol: TCP
";
