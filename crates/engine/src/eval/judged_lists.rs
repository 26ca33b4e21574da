//! The lists of controls that judged recent objects. Most objects of a kind are judged by the same
//! controls, so their verdicts share a list.

use kubevet_ir::CompiledControl;
use kubevet_model::ControlIds;

/// The most lists that are kept. A list that is not kept is made again.
const MAX_LISTS: usize = 16;

/// Lists of control ids, each with the indexes of the controls among the compiled ones.
#[derive(Debug, Default)]
pub(super) struct JudgedLists {
    /// The list that was made last is the last.
    lists: Vec<(Box<[usize]>, ControlIds)>,
}

impl JudgedLists {
    /// The ids of controls.
    pub(super) fn ids_of(&mut self, indexes: &[usize], controls: &[CompiledControl]) -> ControlIds {
        let known = self.lists.iter().find(|(known, _)| **known == *indexes);
        if let Some((_, ids)) = known {
            return ids.clone();
        }
        let of_indexes = indexes.iter().filter_map(|index| controls.get(*index));
        let ids: ControlIds = of_indexes
            .map(|compiled| compiled.control.id.clone())
            .collect();
        if self.lists.len() >= MAX_LISTS {
            self.lists.remove(0);
        }
        self.lists.push((indexes.into(), ids.clone()));
        ids
    }
}
