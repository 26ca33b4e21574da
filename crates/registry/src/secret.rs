//! A string that must not be printed: a password or a token.
//!
//! It has no `Display`, and its `Debug` hides it, so that no error, log or report can hold it by
//! accident. Only the code that writes a request, or the input of a credential program, reads it.

use std::fmt;

/// A password or a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a password or a token.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// Returns the value, for a request.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[hidden]")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn secret_printed_for_debugging_is_hidden() {
        let secret = Secret::new("hunter2");
        assert_eq!(
            format!("{secret:?} {:#?}", [&secret])
                .matches("hunter2")
                .count(),
            0
        );
    }
}
