//! Notes about a valid binding: what it excludes differently from what its author may expect.
//!
//! They are remarks of the check of a binding.

use super::Binding;
use kubevet_k8s::{
    matching::ExcludedNames,
    workload::{CONTROLLERS, Controller, OwnerCreator},
};

impl Binding {
    /// Returns the notes about the exclusions of the binding, each with the key of `matchResources`
    /// that it is about.
    pub(super) fn exclusion_notes(&self) -> Vec<(&'static str, String)> {
        let scope = &self.match_resources;
        let mut notes = Vec::new();
        if !scope.object_selector.is_empty() {
            notes.push((
                "objectSelector",
                "an objectSelector does not follow owners: whoever labels an object decides whether it is checked, the \
                 label of a workload must be on its pod template as well, and Pods of existing owners are treated as new"
                    .to_owned(),
            ));
        }
        for controller in CONTROLLERS {
            if let Some(creator) = controller.creator {
                let note = self.note_of(controller, creator);
                notes.extend(note.map(|note| ("excludeResourceRules", note)));
            }
        }
        notes
    }

    fn note_of(&self, controller: &'static Controller, creator: OwnerCreator) -> Option<String> {
        let scope = &self.match_resources;
        let resource = controller.resource;
        if scope.excludes_without_owned(controller) {
            return Some(format!(
                "Pods of the excluded {} are not excluded, because the binding does not check every creation and \
                 update of {resource}",
                creator.resource
            ));
        }
        let owners = scope.excluded_owners(controller)?;
        (owners.names == ExcludedNames::All).then(|| {
            format!(
                "all {resource} are excluded, and the Pods of each with it: whoever can create one is not held to \
                 this binding"
            )
        })
    }
}
