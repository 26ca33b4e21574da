//! The rotation of certificates: when to issue and when to drop them. The plan is a pure function of
//! dates, so years of it are tested in a table.
//!
//! An authority gets a successor long before it expires. Both are in the bundle; the successor
//! signs only after every caller had time to read the bundle, and the old one leaves only when
//! nothing that it has signed can still be served.

use std::time::Duration;

use time::OffsetDateTime;

use super::certificate::{BACKDATE, LEAF_LIFETIME};

/// A leaf is renewed when it expires within this time.
pub const LEAF_RENEWAL_WINDOW: Duration = Duration::from_secs(30 * 24 * 3600);
/// An authority gets its successor when it expires within this time.
pub const CA_RENEWAL_WINDOW: Duration = Duration::from_secs(365 * 24 * 3600);
/// An authority signs nothing in its last day, and no leaf is replaced to gain less than a day.
const EXPIRY_MARGIN: Duration = Duration::from_secs(24 * 3600);

/// The certificates of a store, as far as the plan needs them.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// The authorities, in the order of the bundle.
    pub authorities: Vec<Authority>,
    /// The leaf; `None` if there is none that can be used: it is unreadable, or does not match its
    /// key.
    pub leaf: Option<Leaf>,
}

/// An authority of the bundle.
#[derive(Debug, Clone)]
pub struct Authority {
    /// The begin of its validity.
    pub not_before: OffsetDateTime,
    /// The end of its validity.
    pub not_after: OffsetDateTime,
    /// True if its private key is in the store.
    pub can_sign: bool,
}

/// The leaf in force.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// The begin of its validity.
    pub not_before: OffsetDateTime,
    /// The end of its validity.
    pub not_after: OffsetDateTime,
    /// The names that it carries, in canonical form.
    pub names: Vec<String>,
    /// The index of the authority that signed it; `None` if that is not in the bundle.
    pub issuer: Option<usize>,
}

/// One step of a plan. Steps are applied in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationStep {
    /// Issue an authority and append it to the bundle.
    IssueCa,
    /// Issue a leaf.
    IssueLeaf(Signer),
    /// Drop the authority at this index of the bundle as it was before the first step.
    DropCa(usize),
}

/// The authority that signs a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    /// The authority at this index of the bundle.
    Held(usize),
    /// The authority that [`RotationStep::IssueCa`] has just issued.
    New,
}

/// Returns the steps that are due at `now`, so that a leaf for `names` is in force and its callers
/// trust it. An empty plan means that nothing is due.
///
/// `overlap` is the time for which a bundle with a new authority must have been published before
/// that authority signs. `is_published` is true if the present bundle is known to be where callers
/// read it. As long as it is not (an operator copies it), the old authority signs until its last
/// day.
#[must_use]
pub fn plan_rotation(
    now: OffsetDateTime,
    inventory: &Inventory,
    names: &[String],
    overlap: Duration,
    is_published: bool,
) -> Vec<RotationStep> {
    let mut steps = Vec::new();
    let signers = || {
        inventory
            .authorities
            .iter()
            .enumerate()
            .filter(|(_, authority)| may_sign(authority, now))
    };
    if signers().all(|(_, authority)| authority.not_after - now < CA_RENEWAL_WINDOW) {
        steps.push(RotationStep::IssueCa);
    }
    let is_trusted =
        |authority: &Authority| is_published && now >= authority.not_before + BACKDATE + overlap;
    // The newest authority that callers trust, or else the oldest one, which they have known
    // longest.
    let signer = signers()
        .filter(|(_, authority)| is_trusted(authority))
        .max_by_key(|(_, authority)| authority.not_after)
        .or_else(|| signers().min_by_key(|(_, authority)| authority.not_after));
    let new_leaf_end = signer.map_or(now + LEAF_LIFETIME, |(_, authority)| {
        authority.not_after.min(now + LEAF_LIFETIME)
    });
    if inventory
        .leaf
        .as_ref()
        .is_none_or(|leaf| is_due(leaf, now, names, new_leaf_end))
    {
        steps.push(RotationStep::IssueLeaf(
            signer.map_or(Signer::New, |(index, _)| Signer::Held(index)),
        ));
        // No authority is dropped in the turn in which the leaf changes.
        return steps;
    }
    let dropped = (0..inventory.authorities.len())
        .filter(|index| may_drop(inventory, *index, now, overlap, is_published));
    steps.extend(dropped.map(RotationStep::DropCa));
    steps
}

fn may_sign(authority: &Authority, now: OffsetDateTime) -> bool {
    authority.can_sign && authority.not_before <= now && authority.not_after - now > EXPIRY_MARGIN
}

/// True if the leaf must be replaced. `new_leaf_end` is the expiry of a leaf that would be issued
/// now.
fn is_due(
    leaf: &Leaf,
    now: OffsetDateTime,
    names: &[String],
    new_leaf_end: OffsetDateTime,
) -> bool {
    let is_unusable = leaf.not_before > now || leaf.not_after <= now || leaf.issuer.is_none();
    let lacks_names = names.iter().any(|name| !leaf.names.contains(name));
    // A new leaf must last longer: one of an authority that expires soon would not.
    let is_old =
        leaf.not_after - now < LEAF_RENEWAL_WINDOW && new_leaf_end - leaf.not_after > EXPIRY_MARGIN;
    is_unusable || lacks_names || is_old
}

/// True if nothing that the authority has signed can still be served: it has expired, or its
/// successor has signed for the lifetime of a leaf.
fn may_drop(
    inventory: &Inventory,
    index: usize,
    now: OffsetDateTime,
    overlap: Duration,
    is_published: bool,
) -> bool {
    let (Some(old), Some(leaf)) = (inventory.authorities.get(index), &inventory.leaf) else {
        return false;
    };
    if old.not_after <= now {
        return true;
    }
    let is_superseded = inventory.authorities.iter().any(|authority| {
        authority.can_sign
            && authority.not_after > old.not_after
            && now >= authority.not_before + BACKDATE + overlap + LEAF_LIFETIME
    });
    // Another replica may still serve the previous leaf.
    let is_settled = now >= leaf.not_before + BACKDATE + overlap;
    is_published && is_superseded && is_settled && leaf.issuer != Some(index)
}

#[cfg(test)]
mod tests;
