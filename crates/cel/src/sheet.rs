//! The door: compiled controls in, CEL out.

use super::{
    deny, either, kubernetes::Kubernetes, narrow::narrow, together::Together, variables::Variables,
};
use kubevet_ir::{CompiledControl, CompiledLibrary, Program, path_reads};
use kubevet_k8s::schema::Schema;
use kubevet_model::{Control, ControlId, Kind};
use kubevet_policy::Params;
use std::sync::Arc;

/// How to print.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The oldest minor version that must accept the policies: 30 for Kubernetes 1.30, the first that can.
    pub min_kube: u8,
    /// Where params come from.
    pub params: ParamsFrom<'a>,
    /// The kinds that the policy will match.
    pub kinds: &'a [Kind],
}

/// Where params come from.
#[derive(Debug, Clone, Copy)]
pub enum ParamsFrom<'a> {
    /// Their values are written into the expressions.
    Written(&'a Params),
    /// They are read from `params.settings.NAME`, falling back to these where the settings lack the name.
    Resource(&'a Params),
}

/// Several controls in CEL over one set of variables.
#[derive(Debug, Clone, Default)]
pub struct Sheet {
    /// The variables that the expressions use, in the order in which they need one another.
    pub variables: Vec<Variable>,
    /// The controls.
    pub controls: Vec<Printed>,
    /// A bool: none of the controls finds anything. As `clean` of each of them, but what they share is asked once.
    pub clean: String,
    /// Those that cannot be printed, and why.
    pub refused: Vec<(ControlId, String)>,
}

/// A variable of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name: `variables.NAME`.
    pub name: String,
    /// Its value in CEL.
    pub expression: String,
}

/// A control in CEL.
#[derive(Debug, Clone)]
pub struct Printed {
    /// The control.
    pub control: Arc<Control>,
    /// A bool: the control finds nothing. On no object that reaches admission does it end in an error.
    pub clean: String,
    /// A bool: the control has nothing to say of the object, whatever stands there.
    pub silent: String,
    /// Whether `messages` join to an empty text only where the control finds nothing.
    pub always_tells: bool,
    /// A list of texts: what it found, at most one sentence for each body of its rule, each of one line and of bounded
    /// length. To be asked where `clean` is false.
    pub messages: String,
    /// A list of the identities of its findings, in lists of lists as deep as `identity_depth`.
    pub identities: String,
    /// The same of `oldObject`, which must be there.
    pub old_identities: String,
    /// How deep the lists of identities are: 1 for a list of identities.
    pub identity_depth: usize,
    /// Whether it reads `params`.
    pub reads_params: bool,
    /// What it leaves unjudged for its cost.
    pub unjudged: Option<Unjudged>,
}

/// What a policy does not judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unjudged {
    /// A bool: the object is too large for this policy, which therefore calls it clean.
    pub condition: String,
    /// What to say then.
    pub message: String,
}

impl Printed {
    /// A bool: everything that was found is in the old object too. `new` and `old` are what holds `identities` and
    /// `old_identities`, such as two variables.
    #[must_use]
    pub fn known_before(&self, new: &str, old: &str) -> String {
        let mut within = format!(
            "i in {}",
            if self.identity_depth > 1 { "last" } else { old }
        );
        let names = ["b", "c", "d", "e"];
        for at in (1..self.identity_depth).rev() {
            let over = if at == 1 {
                old
            } else {
                names.get(at - 2).copied().unwrap_or("b")
            };
            let name = if at == self.identity_depth - 1 {
                "last"
            } else {
                names.get(at - 1).copied().unwrap_or("b")
            };
            within = format!("{over}.exists({name}, {within})");
        }
        let outer = ["n", "o", "p", "q"];
        for at in (0..self.identity_depth).rev() {
            let over = if at == 0 {
                new
            } else {
                outer.get(at - 1).copied().unwrap_or("n")
            };
            let name = if at == self.identity_depth - 1 {
                "i"
            } else {
                outer.get(at).copied().unwrap_or("n")
            };
            within = format!("{over}.all({name}, {within})");
        }
        within
    }
}

/// Prints those of the library's controls that are named. Controls that are not compiled are refused with the reason; what
/// the library lacks is left out.
#[must_use]
pub fn print(library: &CompiledLibrary, controls: &[ControlId], target: &Target<'_>) -> Sheet {
    let chosen: Vec<&CompiledControl> = library
        .controls
        .iter()
        .filter(|it| controls.contains(&it.control.id))
        .collect();
    let mut sheet = print_compiled(&library.program, &chosen, target);
    let not_compiled = library
        .not_compiled
        .iter()
        .filter(|(id, _)| controls.contains(id));
    sheet.refused.extend(not_compiled.cloned());
    sheet
}

fn print_compiled(program: &Program, compiled: &[&CompiledControl], target: &Target<'_>) -> Sheet {
    let types = &Kubernetes {
        schema: Schema::embedded(),
        min_kube: target.min_kube,
    };
    let mut sheet = Sheet::default();
    let mut variables = Variables::default();
    let mut program = program.clone();
    let mut together = Together::default();
    for control in compiled {
        // What a refused control defined is not needed.
        let before = variables.list.len();
        let reads = path_reads(&program, control);
        let control = &narrow(&program, control, target);
        let ways = either::ways(&mut program, &control.clauses);
        match deny::print(
            &program,
            control,
            &ways,
            reads,
            target,
            types,
            &mut variables,
        ) {
            Ok(printed) => {
                together.add(&printed, &control.clauses);
                sheet.controls.push(printed);
            }
            Err(why) => {
                variables.list.truncate(before);
                sheet.refused.push((control.control.id.clone(), why.0));
            }
        }
    }
    sheet.clean = together.print(&mut program, target, types, &mut variables);
    sheet.variables = variables.list;
    sheet
}
