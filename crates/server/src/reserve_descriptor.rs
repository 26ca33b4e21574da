//! A file descriptor kept in reserve for the moment in which none is left. Closing it lets one
//! queued connection be accepted and closed: its caller is not left waiting, and the listener is
//! not woken for it again and again.

use std::fs::File;

use super::listener::Listener;

/// An open descriptor; `None` while none could be opened.
pub(super) struct ReserveDescriptor(Option<File>);

impl ReserveDescriptor {
    pub(super) fn new() -> Self {
        Self(open())
    }

    /// Accepts and closes one queued connection with the reserved descriptor, and reserves anew.
    pub(super) async fn reject_queued(&mut self, listener: &Listener) {
        if self.0.take().is_some() {
            listener.reject_queued().await;
        }
        self.0 = open();
    }
}

fn open() -> Option<File> {
    File::open("/dev/null").ok()
}
