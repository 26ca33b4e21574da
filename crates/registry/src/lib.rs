//! The one way to an OCI registry: references, credentials, manifests, blobs, referrers, tags.
//!
//! It only reads, and trusts nothing that a registry says: every content is compared with its digest
//! and size while it is read, and everything is bounded in bytes, number and time. Credentials are sent
//! to the registry that they are for, or to its token server, after it has asked for them; never to the
//! target of a redirect, and never into an error, a log or `Debug`. Plain HTTP is for loopback
//! addresses, and for registries that the caller names. It reads no environment: the caller gives the
//! values of the proxy variables, and Docker's configuration as bytes.
//!
//! [`RegistryClient`] is the client, [`RegistrySettings`] its settings, [`RegistryImageList`] the list
//! that a scan of a repository works off. [`BlockingBlob`] is a blob for threads that block.
//!
//! | file | is |
//! |---|---|
//! | `reference` | references to images, and their grammar |
//! | `digest` | digests, and hashing piece by piece |
//! | `secret`, `credential` | passwords and tokens, which are not printed |
//! | `docker_config` | Docker's configuration of credentials, and the bytes of pull secrets |
//! | `credential_program` | Docker's external credential programs |
//! | `keychain` | all credentials, and which a repository gets |
//! | `registry_rules` | mirrors, other locations, blocked registries |
//! | `limits` | the bounds |
//! | `url` | origins and URLs |
//! | `proxy` | which requests go through a proxy |
//! | `tls` | trusted authorities and client certificates |
//! | `connection` | one new connection |
//! | `connection_pool` | kept connections, and one exchange |
//! | `body` | a body in memory, within bounds |
//! | `challenge` | what a 401 asks for |
//! | `token` | tokens of token servers |
//! | `redirect` | whether a redirect is followed, and with which credentials |
//! | `retry` | how long a request waits before it is tried again |
//! | `host_state` | what was learned of a registry |
//! | `read_request` | one read, and its answer |
//! | `authorized_read` | one read with credentials, redirects and new tries |
//! | `client_state` | what all calls share |
//! | `client` | the client |
//! | `manifest` | manifests and indexes |
//! | `blob`, `blocking_blob` | blobs |
//! | `image_source` | an image of a registry, for what reads layers |
//! | `referrers` | what refers to an image |
//! | `names` | tags and repositories, page by page |
//! | `tag_filter` | which tags are wanted |
//! | `image_list` | the images of a repository, worked off in parallel |
//! | `error` | the errors, with stable codes |

#![allow(
    clippy::disallowed_methods,
    reason = "it connects, reads certificates, and runs credential programs"
)]

mod authorized_read;
mod blob;
mod blocking_blob;
mod body;
mod challenge;
mod client;
mod client_state;
mod connection;
mod connection_pool;
mod credential;
mod credential_program;
mod digest;
mod docker_config;
mod error;
mod host_state;
mod image_list;
mod image_source;
mod keychain;
mod limits;
mod manifest;
mod names;
mod proxy;
mod read_request;
mod redirect;
mod reference;
mod referrers;
mod registry_rules;
mod retry;
mod secret;
mod tag_filter;
mod tls;
mod token;
mod url;

pub use blob::RegistryBlob;
pub use blocking_blob::BlockingBlob;
pub use client::RegistryClient;
pub use client_state::RegistrySettings;
pub use credential::{Credential, FoundCredential};
pub use digest::{ContentDigest, DigestAlgorithm, InvalidDigestError};
pub use docker_config::{DockerConfig, DockerConfigError};
pub use error::RegistryError;
pub use image_list::{ListedFailure, ListedImage, ListedState, RegistryImageList};
pub use image_source::RegistryImageSource;
pub use keychain::{Keychain, PullSecretKind};
pub use limits::RegistryLimits;
pub use manifest::FetchedManifest;
pub use proxy::ProxySettings;
pub use reference::{ImageReference, ReferenceError, RegistryName, Repository};
pub use referrers::Referrer;
pub use registry_rules::{RegistryRule, RegistryRules};
pub use secret::Secret;
pub use tag_filter::TagFilter;
pub use tls::{ClientCertificate, TlsSettings};
