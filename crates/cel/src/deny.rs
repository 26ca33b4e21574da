//! A control: whether it finds nothing, what it says, and what makes its findings the same.

use super::{
    Refused,
    printer::{Printer, Side, kind_test},
    sheet::{ParamsFrom, Printed, Target},
    text::Cel,
    types::Types,
    variables::{Definitions, Variables},
};
use kubevet_ir::looks_at;
use kubevet_ir::{CompiledControl, ConditionId, Const, Program, Term, TermId};
use kubevet_model::{Control, Kind, PathReads};
use kubevet_policy::ParamValue;

/// Prints one control. `ways` are the conditions under each of which it finds something; `path_reads` are those of the
/// whole control, whatever written params decide.
pub(super) fn print(
    program: &Program,
    compiled: &CompiledControl,
    ways: &[ConditionId],
    path_reads: Vec<PathReads>,
    target: &Target<'_>,
    types: &dyn Types,
    variables: &mut Variables,
) -> Result<Printed, Refused> {
    let control = &compiled.control;
    let looks = |kind: &Kind| control.kinds.iter().any(|it| looks_at(it, kind));
    let kinds: Vec<&Kind> = target.kinds.iter().filter(|it| looks(it)).collect();
    if kinds.is_empty() {
        return Err(Refused(
            "the control looks at none of these kinds".to_owned(),
        ));
    }
    let all: Vec<&Kind> = target.kinds.iter().collect();
    let elsewhere = kind_test(&all, &Cel::atom("object"), looks)?.negated();
    let mut printer = Printer::new(program, target, types, kinds, variables);
    printer.path_reads = path_reads;
    let silent = printer.is_silent(control)?;
    let mut clean = Vec::new();
    for way in ways {
        clean.push(printer.not(*way)?);
    }
    let unjudged = printer.bound(compiled)?;
    let oversized = unjudged.as_ref().map_or(Cel::Bool(false), |it| {
        Cel::Asked(format!("({})", it.condition))
    });
    let silent = Cel::any([elsewhere, silent, oversized]);
    let clean = Cel::any([silent.clone(), Cel::all(clean)]);
    let clean = if clean.is_bool() {
        clean
    } else {
        clean.relation("==", Cel::Bool(true))
    };
    let mut messages = Vec::new();
    for deny in &compiled.clauses {
        messages.push(printer.message(deny)?);
    }
    let depth = compiled
        .clauses
        .iter()
        .map(|it| printer.identity_depth(it))
        .max()
        .unwrap_or(1);
    let of_side = |printer: &mut Printer<'_>, side: Side| {
        printer.side = side;
        let mut lists = Vec::new();
        for deny in &compiled.clauses {
            lists.push(printer.identities(control.id.as_str(), deny, depth)?);
        }
        Ok(listed(lists))
    };
    let identities = of_side(&mut printer, Side::New)?;
    let old_identities = of_side(&mut printer, Side::Old)?;
    Ok(Printed {
        control: control.clone(),
        clean: clean.show(),
        silent: silent.show(),
        always_tells: compiled
            .clauses
            .iter()
            .all(|it| has_words(program, it.message)),
        messages: one_line(&listed(messages)).show(),
        identities: identities.show(),
        old_identities: old_identities.show(),
        identity_depth: depth,
        reads_params: printer.reads_params && matches!(target.params, ParamsFrom::Resource(_)),
        unjudged,
    })
}

/// Whether a text is never empty, whatever is put into it.
fn has_words(program: &Program, text: TermId) -> bool {
    match program.term(text) {
        Term::Const(Const::String(text)) => !text.is_empty(),
        Term::Concat(pieces) => pieces.iter().any(|it| has_words(program, *it)),
        _ => false,
    }
}

/// Texts of one line each: the API server drops a message that has more, and a name may hold anything at admission.
fn one_line(texts: &Cel) -> Cel {
    if *texts == Cel::atom("[]") {
        texts.clone()
    } else {
        texts.then(r".map(m, m.replace('\n', ' '))")
    }
}

/// One list of all.
fn listed(lists: Vec<Cel>) -> Cel {
    let empty = Cel::atom("[]");
    let lists: Vec<Cel> = lists.into_iter().filter(|it| *it != empty).collect();
    if lists.is_empty() {
        empty
    } else {
        Cel::sum(lists)
    }
}

impl<'p> Printer<'p> {
    /// What can be defined, and where definitions go.
    pub(super) fn split(&mut self) -> (Definitions<'_>, &mut Variables) {
        (
            Definitions {
                target: self.target,
                types: self.types,
                side: self.side,
            },
            self.variables,
        )
    }

    /// Whether the control lacks the params without which it has nothing to say.
    fn is_silent(&mut self, control: &Control) -> Result<Cel, Refused> {
        let mut silent = Vec::new();
        for name in &control.requires_any_param {
            let Some(value) = self.param_value(name).cloned() else {
                continue;
            };
            if matches!(self.target.params, ParamsFrom::Written(_)) {
                silent.push(Cel::Bool(value.is_empty()));
                continue;
            }
            self.reads_params = true;
            let empty = match value {
                ParamValue::List(_) => "[]",
                ParamValue::String(_) => "''",
            };
            let (definitions, variables) = self.split();
            if let Some(param) = definitions.param(variables, name) {
                silent.push(param.relation("==", Cel::atom(empty)));
            }
        }
        Ok(if control.requires_any_param.is_empty() {
            Cel::Bool(false)
        } else {
            Cel::all(silent)
        })
    }
}
