//! The bytes that are left in an object, by which its entries are kept or left out.

use serde::Serialize;

/// The bytes that are left.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SizeBudget {
    left: usize,
}

impl SizeBudget {
    /// A budget of `max_bytes`, of which `used` are spent.
    pub(crate) fn new(max_bytes: usize, used: usize) -> Self {
        Self {
            left: max_bytes.saturating_sub(used),
        }
    }

    /// Spends the bytes of an entry; false, and nothing is spent, if they are not left.
    pub(crate) fn take(&mut self, bytes: usize) -> bool {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

/// The bytes of an entry as JSON, with the comma after it.
pub(crate) fn entry_bytes(entry: &impl Serialize) -> usize {
    json(entry).len() + 1
}

/// Returns a value as JSON. The structs of this crate have string keys and finite numbers, which is
/// all that can fail.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_is_spent_in_whole_entries() {
        let mut budget = SizeBudget::new(10, 3);
        assert!(budget.take(5));
        assert!(!budget.take(3));
        assert!(budget.take(2));
        assert!(!budget.take(1));
        assert!(!SizeBudget::new(1, 2).take(1));
    }
}
