//! Loops: binders over the elements of their domains.

use super::{
    evaluator::{Evaluator, map_or_empty, to_u32},
    observer::ConditionObserver,
    value::{LoopState, PackedValue, StaticStr, Value},
};
use kubevet_document::{FieldKey, Node};
use kubevet_ir::{BinderId, ContainerList, Domain};

impl<O: ConditionObserver> Evaluator<'_, O> {
    /// Moves a binder to each element of its domain until `visit` returns true; returns whether it
    /// did, or whether a limit ended the loop.
    pub(super) fn each(
        &mut self,
        binder: BinderId,
        visit: &mut dyn FnMut(&mut Self) -> bool,
    ) -> bool {
        let program = self.context.program;
        match &program.binder(binder).domain {
            Domain::Containers(lists) => self.each_container(binder, *lists, visit),
            Domain::Volumes => {
                let Some(key) = &self.context.tables.volumes_key else {
                    return false;
                };
                self.each_entry(binder, key, StaticStr::Volumes, |_| true, visit)
            }
            Domain::Elements(term) => match self.term(*term) {
                Value::Param(param) => self.each_param_item(binder, param, visit),
                value => {
                    self.each_element(binder, value, visit)
                        || self.each_map_value(binder, value, visit)
                }
            },
            Domain::List(term) => match self.term(*term) {
                Value::Param(param) => self.each_param_item(binder, param, visit),
                value => self.each_element(binder, value, visit),
            },
            Domain::Map(term) => {
                let value = self.term(*term);
                self.each_map_value(binder, value, visit)
            }
        }
    }

    /// Iterates the container lists of the pod spec.
    fn each_container(
        &mut self,
        binder: BinderId,
        lists: ContainerList,
        visit: &mut dyn FnMut(&mut Self) -> bool,
    ) -> bool {
        let tables = self.context.tables;
        let [main, init, ephemeral] = &tables.container_list_keys;
        // Of the init containers, only sidecars can have probes.
        let is_sidecar = |container: Node<'_>| {
            let policy = tables
                .restart_policy_key
                .as_ref()
                .and_then(|key| container.field(key));
            policy.and_then(Node::as_str) == Some("Always")
        };
        let takes_all_init = lists != ContainerList::Probe;
        let is_ended = main.as_ref().is_some_and(|key| {
            self.each_entry(binder, key, StaticStr::Containers, |_| true, visit)
        }) || init.as_ref().is_some_and(|key| {
            let is_taken = |container: Node<'_>| takes_all_init || is_sidecar(container);
            self.each_entry(binder, key, StaticStr::InitContainers, is_taken, visit)
        });
        if is_ended {
            return true;
        }
        // Only a Pod can have ephemeral containers; the field of a pod template is ignored by
        // Kubernetes.
        let has_ephemeral = lists == ContainerList::All && self.context.pod_path == Some(&["spec"]);
        has_ephemeral
            && ephemeral.as_ref().is_some_and(|key| {
                self.each_entry(binder, key, StaticStr::EphemeralContainers, |_| true, visit)
            })
    }

    /// Iterates a list of the pod spec. Entries that are no map count as empty maps.
    fn each_entry(
        &mut self,
        binder: BinderId,
        key: &FieldKey,
        list: StaticStr,
        is_taken: impl Fn(Node<'_>) -> bool,
        visit: &mut dyn FnMut(&mut Self) -> bool,
    ) -> bool {
        let Some(spec) = self.pod_spec.node() else {
            return false;
        };
        let Some(entries) = self.node(spec).field(key) else {
            return false;
        };
        for (index, entry) in entries.elements().enumerate() {
            if !is_taken(entry) {
                continue;
            }
            let state = LoopState {
                value: map_or_empty(Some(entry)).pack(),
                list,
                index: to_u32(index),
                ..LoopState::UNBOUND
            };
            if self.visit_element(binder, state, visit) {
                return true;
            }
        }
        false
    }

    fn each_param_item(
        &mut self,
        binder: BinderId,
        param: u32,
        visit: &mut dyn FnMut(&mut Self) -> bool,
    ) -> bool {
        let count = self.context.params.list(param).map_or(0, <[String]>::len);
        (0..to_u32(count)).any(|item| {
            let state = LoopState {
                key: Value::Int(i64::from(item)).pack(),
                value: Value::ParamItem { param, item }.pack(),
                ..LoopState::UNBOUND
            };
            self.visit_element(binder, state, visit)
        })
    }

    fn each_element(
        &mut self,
        binder: BinderId,
        list: Value,
        visit: &mut dyn FnMut(&mut Self) -> bool,
    ) -> bool {
        let Value::Node(list) = list else {
            return false;
        };
        let mut elements = self.node(list).elements().zip(0_i64..);
        elements.any(|(element, index)| {
            let state = LoopState {
                key: Value::Int(index).pack(),
                value: PackedValue::of_node(element.number()),
                ..LoopState::UNBOUND
            };
            self.visit_element(binder, state, visit)
        })
    }

    fn each_map_value(
        &mut self,
        binder: BinderId,
        map: Value,
        visit: &mut dyn FnMut(&mut Self) -> bool,
    ) -> bool {
        let Value::Node(map) = map else { return false };
        let mut entries = self.node(map).entries();
        entries.any(|entry| {
            let state = LoopState {
                key: PackedValue::of_node(entry.key_number()),
                value: PackedValue::of_node(entry.value.number()),
                ..LoopState::UNBOUND
            };
            self.visit_element(binder, state, visit)
        })
    }

    fn visit_element(
        &mut self,
        binder: BinderId,
        state: LoopState,
        visit: &mut dyn FnMut(&mut Self) -> bool,
    ) -> bool {
        !self.bind(binder, state) || visit(self)
    }

    /// Moves a binder to an element, with a new version; returns false once a limit is exceeded.
    #[inline]
    pub(super) fn bind(&mut self, binder: BinderId, state: LoopState) -> bool {
        let version = self.scratch.tick();
        self.scratch
            .set_loop(binder, LoopState { version, ..state });
        self.charge(1)
    }

    /// Moves a binder back to an earlier element, with its earlier version: memos of that element
    /// are current again.
    pub(super) fn restore_loop(&mut self, binder: BinderId, state: LoopState) {
        self.scratch.set_loop(binder, state);
    }
}
