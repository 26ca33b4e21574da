//! The controls of both tiers, ready to evaluate objects, and what evaluations share.

use super::{
    eval::{ResolvedParams, Scratch, SideTables, resolve_params},
    interpreted_control::InterpretedControl,
    interpreter::Interpreter,
    kind_index::KindIndex,
};
use kubevet_ir::CompiledLibrary;
use kubevet_model::ControlId;
use kubevet_policy::Params;
use std::sync::{Arc, Mutex, RwLock};

/// The most sets of params that are kept resolved. With more, the oldest is resolved again when it
/// is used.
const RESOLVED_PARAMS_CACHE_ENTRIES: usize = 64;

/// The compiled and the interpreted controls.
pub(super) struct Tiers {
    pub(super) compiled: CompiledLibrary,
    pub(super) tables: SideTables,
    pub(super) interpreted: Vec<InterpretedControl>,
    pub(super) interpreter: Option<Interpreter>,
    pub(super) kinds: KindIndex,
    /// The cache of resolved params, oldest first.
    resolved_params: RwLock<Vec<(Params, Arc<ResolvedParams>)>>,
    /// Memory of finished evaluations, to be reused.
    scratch_pool: Mutex<Vec<Scratch>>,
}

impl Tiers {
    pub(super) fn new(
        compiled: CompiledLibrary,
        interpreted: Vec<InterpretedControl>,
        interpreter: Option<Interpreter>,
    ) -> Self {
        let tables = SideTables::new(&compiled.program, &compiled.controls);
        let kinds = KindIndex::new(&compiled.program, &tables, &compiled.controls, &interpreted);
        Self {
            compiled,
            tables,
            interpreted,
            interpreter,
            kinds,
            resolved_params: RwLock::default(),
            scratch_pool: Mutex::default(),
        }
    }

    /// True if a control says in its rule to which objects it applies.
    pub(super) fn has_applies(&self, id: &ControlId) -> bool {
        let compiled = self.compiled.control(id);
        let mut interpreted = self.interpreted.iter();
        compiled.is_some_and(|compiled| compiled.applies.is_some())
            || interpreted
                .any(|interpreted| interpreted.control.id == *id && interpreted.package.has_applies)
    }

    pub(super) fn take_scratch(&self) -> Scratch {
        let pooled = self.scratch_pool.lock().ok();
        pooled.and_then(|mut pool| pool.pop()).unwrap_or_default()
    }

    pub(super) fn return_scratch(&self, scratch: Scratch) {
        if let Ok(mut pool) = self.scratch_pool.lock() {
            pool.push(scratch);
        }
    }

    /// Returns the params as the program reads them, from the cache if they were used before.
    pub(super) fn resolve_params(&self, params: &Params) -> Arc<ResolvedParams> {
        let cached = self.resolved_params.read().ok().and_then(|cache| {
            let known = cache.iter().find(|(known, _)| known == params);
            known.map(|(_, resolved)| Arc::clone(resolved))
        });
        if let Some(resolved) = cached {
            return resolved;
        }
        let resolved = Arc::new(resolve_params(
            params,
            &self.compiled.program,
            &self.tables,
            &self.compiled.controls,
        ));
        if let Ok(mut cache) = self.resolved_params.write() {
            if cache.len() >= RESOLVED_PARAMS_CACHE_ENTRIES {
                cache.remove(0);
            }
            cache.push((params.clone(), Arc::clone(&resolved)));
        }
        resolved
    }
}
