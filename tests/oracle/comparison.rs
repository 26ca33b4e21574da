//! The outcome of a comparison with the oracle: how much was compared, and where it differs.

/// Compared answers. A test that compared too few of them fails as well: it may have proved nothing.
#[derive(Default)]
pub(crate) struct Comparison {
    pub(crate) compared: usize,
    /// The differences, each with the position of its object.
    pub(crate) differences: Vec<String>,
}

impl Comparison {
    /// Fails if there are differences, or fewer than `at_least` answers were compared.
    #[track_caller]
    pub(crate) fn finish(&self, at_least: usize) {
        let shown: Vec<&String> = self.differences.iter().take(12).collect();
        assert!(
            shown.is_empty(),
            "{} differences of {}:\n{shown:#?}",
            self.differences.len(),
            self.compared
        );
        assert!(
            self.compared >= at_least,
            "only {} answers were compared",
            self.compared
        );
    }
}
