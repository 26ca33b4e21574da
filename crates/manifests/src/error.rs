//! The error of an option that is not valid: every option is inserted into YAML or read by the API
//! server, so one that either would take for something else is rejected.

/// An option that is not valid. `Display` says what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOption {
    /// The namespace is not a DNS label.
    #[error("{0:?} is not a valid name of a namespace: a-z, 0-9 and - inside, at most 63")]
    Namespace(String),
    /// The container image is not a reference to one.
    #[error("{0:?} is not a valid container image: REGISTRY/NAME:TAG or …@sha256:DIGEST")]
    Image(String),
    /// No replica is wanted.
    #[error("0 replicas cannot answer: write 1 or more")]
    NoReplicas,
    /// The address range of the API servers is not one.
    #[error("{0:?} is not a valid range of addresses: ADDRESS/BITS")]
    AddressRange(String),
    /// The common name of a client certificate cannot be the value of a flag.
    #[error("{0:?} is not a common name that fits into a flag: letters, digits and :.-_@")]
    ClientName(String),
    /// The API server calls no such URL.
    #[error("{0:?} is not a URL that the API server can call: https://HOST[:PORT]/validate")]
    Url(String),
    /// The folder of an API server's host is not an absolute path, or not plain.
    #[error("{0:?} is not a folder of an API server's host: /etc/kubernetes/kubevet")]
    HostFolder(String),
    /// The files of a flag do not fit into a ConfigMap.
    #[error(
        "the files of {flag} have {bytes} bytes, and a ConfigMap holds at most 1048576: build an image with them in it, or \
         mount a volume of your own"
    )]
    TooLarge {
        /// The flag.
        flag: &'static str,
        /// The size of the data.
        bytes: usize,
    },
    /// A flag whose files are no value of the chart.
    #[error(
        "the chart has no value for these files of {0}: give one --policies, or use extraVolumes and extraArgs"
    )]
    NoChartValue(&'static str),
    /// A control or framework that does not fit into a flag, such as a file of a framework.
    #[error(
        "{0:?}: the pods have no such file: put the framework into a policy folder, give --policies, and name the framework"
    )]
    Choice(String),
    /// Several replicas cannot share a volume.
    #[error(
        "a volume belongs to one replica: write --replicas 1, or keep the store in a database (--store-secret)"
    )]
    SharedVolume,
    /// The size of a volume is not one.
    #[error("{0:?} is not the size of a volume: write it like 2Gi")]
    VolumeSize(String),
    /// The name of an object, or the key of a Secret, is not one.
    #[error("{0:?} is not the name of an object, or the key of a Secret: letters, digits, - and .")]
    ObjectName(String),
    /// There is a private key among the CA certificates.
    #[error(
        "the CA file holds a private key, which must not go into the cluster: give the certificate alone"
    )]
    PrivateKey,
    /// There is no CA certificate.
    #[error("the CA file holds no certificate in PEM form")]
    NoCertificate,
}
