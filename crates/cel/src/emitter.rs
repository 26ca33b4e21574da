//! The state of emission, by role: a read-only context, the scope of the expression under
//! construction, and the variables that are defined on the way. The grammar of the emitter (terms,
//! conditions, comparisons, iteration) is the one recursion over it, in `emit_*.rs`.

use super::{
    custom_pods::CustomPods,
    definitions::Definitions,
    expr::Expr,
    kind_test::kind_test,
    names::Scope,
    target::{CelTarget, ObjectSide},
    typed_expr::TypedExpr,
    types::{StaticType, TypeSource},
    unsupported::Unsupported,
    variables::SharedVariables,
};
use kubevet_ir::{BinderId, Program, TermId};
use kubevet_k8s::workload::pod_spec_path;
use kubevet_model::Kind;
use std::{collections::BTreeMap, sync::Arc};

/// What expressions are emitted for.
#[derive(Clone, Copy)]
pub(super) struct EmitTarget<'c> {
    pub(super) target: &'c CelTarget<'c>,
    pub(super) types: &'c dyn TypeSource,
    /// The pods of custom kinds, where the object is one of them.
    pub(super) pods: Option<CustomPods<'c>>,
}

/// What emission reads and never changes.
#[derive(Clone, Copy)]
pub(super) struct EmitContext<'c> {
    pub(super) program: &'c Program,
    pub(super) target: &'c CelTarget<'c>,
    pub(super) types: &'c dyn TypeSource,
    /// The kinds of the target to which the control applies.
    pub(super) kinds: &'c [&'c Kind],
    pub(super) side: ObjectSide,
    /// True if containers are iterated together with the names of their lists, as findings' keys
    /// need them.
    pub(super) with_list_names: bool,
    /// True if long conditions become variables; see `hoist`. Not in a pack, whose variables are
    /// evaluated whether they are needed or not.
    pub(super) hoists_conditions: bool,
    /// True if a condition that proves a field to be there is the first of its conjunction, and the
    /// others read the field without a test; see `presence`.
    pub(super) tests_presence_once: bool,
    /// True for the condition of a pack, which is evaluated for each object that passes.
    pub(super) is_pack: bool,
    /// The pods of custom kinds, where the object is one of them.
    pub(super) pods: Option<CustomPods<'c>>,
}

impl<'c> EmitContext<'c> {
    /// Definitions of shared variables over this object.
    pub(super) fn definitions(&self) -> Definitions<'c> {
        Definitions {
            target: self.target,
            types: self.types,
            side: self.side,
        }
    }

    /// `object` or `oldObject`.
    pub(super) fn object(&self) -> Expr {
        self.definitions().object()
    }

    /// The type that the objects of all kinds have in common.
    pub(super) fn object_type(&self) -> StaticType {
        let each = self.kinds.iter().map(|kind| self.types.object(kind));
        match each.reduce(StaticType::or) {
            None | Some(StaticType::Any) => StaticType::Map(Arc::new(StaticType::Any)),
            Some(static_type) => static_type,
        }
    }

    /// The object as a value. Where the policy matches kinds to which the control does not apply, it
    /// is hidden from the type checker, which would miss the control's fields in those kinds.
    pub(super) fn object_value(&self) -> TypedExpr {
        let object = TypedExpr::of_object(self.object(), self.object_type());
        if self.kinds.len() < self.target.kinds.len() {
            object.dynamic()
        } else {
            object
        }
    }

    /// A bool: true if the object is of a kind that satisfies the test.
    pub(super) fn is_kind(&self, holds: impl Fn(&Kind) -> bool) -> Result<Expr, Unsupported> {
        kind_test(self.kinds, &self.object(), holds)
    }

    /// A bool: true if the kind of the object has a pod spec.
    pub(super) fn is_workload(&self) -> Result<Expr, Unsupported> {
        self.is_kind(|kind| pod_spec_path(kind).is_some())
    }
}

/// Emits expressions over one object.
pub(super) struct Emitter<'c, 'v> {
    pub(super) context: EmitContext<'c>,
    pub(super) scope: Scope,
    pub(super) variables: &'v mut SharedVariables,
    /// True once a param was read.
    pub(super) reads_params: bool,
    /// A list with some of the elements of a loop, over which it then goes; see `narrow`.
    pub(super) narrowed: Option<(BinderId, Expr)>,
    /// The terms that are variables of the policy; see `hoist`.
    pub(super) hoisted: BTreeMap<TermId, TypedExpr>,
}

impl<'c, 'v> Emitter<'c, 'v> {
    pub(super) fn new(context: EmitContext<'c>, variables: &'v mut SharedVariables) -> Self {
        Self {
            context,
            scope: Scope::default(),
            variables,
            reads_params: false,
            narrowed: None,
            hoisted: BTreeMap::new(),
        }
    }
}
