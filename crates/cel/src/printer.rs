//! What printing needs to know.

use super::{
    Refused,
    scope::Scope,
    sheet::{ParamsFrom, Target},
    text::Cel,
    types::{Known, Types},
    variables::Variables,
};
use kubevet_ir::Program;
use kubevet_k8s::workload::pod_spec_path;
use kubevet_model::{Kind, PathReads};
use kubevet_policy::ParamValue;

/// Which of the two objects of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    New,
    Old,
}

/// Prints what one control asks of one of the objects.
pub(super) struct Printer<'p> {
    pub(super) program: &'p Program,
    pub(super) target: &'p Target<'p>,
    pub(super) types: &'p dyn Types,
    /// The kinds of the target that the control looks at.
    pub(super) kinds: Vec<&'p Kind>,
    pub(super) side: Side,
    pub(super) variables: &'p mut Variables,
    pub(super) scope: Scope,
    /// Whether containers must know which list they are in.
    pub(super) placed: bool,
    pub(super) reads_params: bool,
    /// What the conditions behind the control's paths read, for identities.
    pub(super) path_reads: Vec<PathReads>,
}

impl<'p> Printer<'p> {
    pub(super) fn new(
        program: &'p Program,
        target: &'p Target<'p>,
        types: &'p dyn Types,
        kinds: Vec<&'p Kind>,
        variables: &'p mut Variables,
    ) -> Self {
        let (side, scope) = (Side::New, Scope::default());
        Self {
            program,
            target,
            types,
            kinds,
            side,
            variables,
            scope,
            placed: false,
            reads_params: false,
            path_reads: Vec::new(),
        }
    }

    /// `object` or `oldObject`.
    pub(super) fn object(&self) -> Cel {
        Cel::atom(match self.side {
            Side::New => "object",
            Side::Old => "oldObject",
        })
    }

    /// What all kinds that the control looks at have in common.
    pub(super) fn object_type(&self) -> Known {
        let mut each = self.kinds.iter().map(|it| self.types.object(it));
        let first = each.next().unwrap_or(Known::Any);
        match each.fold(first, Known::or) {
            Known::Any => Known::Map(std::sync::Arc::new(Known::Any)),
            it => it,
        }
    }

    /// Whether the object is of a kind of which this holds.
    pub(super) fn is_kind(&self, holds: impl Fn(&Kind) -> bool) -> Result<Cel, Refused> {
        kind_test(&self.kinds, &self.object(), holds)
    }

    /// Whether the object carries a pod spec.
    pub(super) fn is_workload(&self) -> Result<Cel, Refused> {
        self.is_kind(|it| pod_spec_path(it).is_some())
    }

    /// The value of a param: as written into the policy, or as fallen back to.
    pub(super) fn param_value(&self, name: &str) -> Option<&ParamValue> {
        match &self.target.params {
            ParamsFrom::Written(params) | ParamsFrom::Resource(params) => params.get(name),
        }
    }
}

/// Whether an object is of one of the kinds of which this holds, given that it is of one of these.
pub(super) fn kind_test(
    kinds: &[&Kind],
    object: &Cel,
    holds: impl Fn(&Kind) -> bool,
) -> Result<Cel, Refused> {
    let (yes, no): (Vec<&Kind>, Vec<&Kind>) = kinds.iter().partition(|it| holds(it));
    if no.is_empty() {
        return Ok(Cel::Bool(true));
    }
    if let Some(both) = yes
        .iter()
        .find(|it| no.iter().any(|other| other.name == it.name))
    {
        return Err(Refused(format!(
            "two of the kinds are called {}: export them one by one",
            both.name
        )));
    }
    let kind = object.then(".kind");
    let names = |kinds: &[&Kind]| {
        let mut names: Vec<String> = kinds.iter().map(|it| it.name.clone()).collect();
        names.sort();
        names.dedup();
        names
    };
    let (yes, no) = (names(&yes), names(&no));
    Ok(match (yes.as_slice(), no.as_slice()) {
        ([], _) => Cel::Bool(false),
        ([only], _) => kind.relation("==", Cel::text(only)),
        (_, [only]) => kind.relation("!=", Cel::text(only)),
        _ if no.len() < yes.len() => kind
            .relation("in", Cel::texts(no.iter().map(String::as_str)))
            .negated(),
        _ => kind.relation("in", Cel::texts(yes.iter().map(String::as_str))),
    })
}
