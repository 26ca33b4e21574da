//! The server as its callers meet it: real TLS on loopback, certificates that change under load,
//! limits, and shutdown.

mod certificate_reload;
mod client_certificates;
mod client_identity;
mod graceful_shutdown;
mod load;
mod overload;
mod probes;
mod support;
mod timeouts;
