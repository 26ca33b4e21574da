//! A descriptor kept for the moment in which there is none left: given up, it lets one waiting connection be taken and
//! closed, so that its caller is not left waiting and the listener is not woken for it for ever.

use std::fs::File;

use super::listener::Listener;

/// The descriptor.
pub(super) struct Spare(Option<File>);

impl Spare {
    pub(super) fn new() -> Self {
        Self(open())
    }

    /// Turns one waiting connection away.
    pub(super) async fn turn_away(&mut self, listener: &Listener) {
        if self.0.take().is_some() {
            listener.turn_away().await;
        }
        self.0 = open();
    }
}

fn open() -> Option<File> {
    File::open("/dev/null").ok()
}
