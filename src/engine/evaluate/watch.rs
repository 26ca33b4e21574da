//! Who looks on while conditions are decided. Nobody does in use, and then it costs nothing; a proof counts.

use crate::engine::program::CondId;

/// Looks on.
pub(in crate::engine) trait Watch {
    /// A condition was decided.
    fn saw(&mut self, cond: CondId, held: bool);
}

/// Nobody.
pub(in crate::engine) struct Unwatched;

impl Watch for Unwatched {
    #[inline]
    fn saw(&mut self, _: CondId, _: bool) {}
}

/// How often each condition of an engine was decided, and how.
#[derive(Debug, Clone, Default)]
pub struct Seen(Vec<(u64, u64)>);

impl Seen {
    /// How often a condition held and did not.
    pub(in crate::engine) fn of(&self, cond: CondId) -> (u64, u64) {
        self.0.get(cond.place()).copied().unwrap_or_default()
    }
}

impl Watch for &mut Seen {
    fn saw(&mut self, cond: CondId, held: bool) {
        if self.0.len() <= cond.place() {
            self.0.resize(cond.place() + 1, (0, 0));
        }
        if let Some((yes, no)) = self.0.get_mut(cond.place()) {
            *(if held { yes } else { no }) += 1;
        }
    }
}
