//! The server as its callers meet it: real TLS on loopback, certificates that change under load,
//! limits, and shutdown.

mod certificate_reload;
mod client_certificates;
mod graceful_shutdown;
mod overload;
mod probes;
mod support;
mod timeouts;
