//! Several controls as one question: whether none of them finds anything. What they have in common is asked once, so it
//! costs the API server less than their own questions one by one.

use super::{
    Refused, either,
    printer::Printer,
    sheet::{Printed, Target},
    text::Cel,
    types::Types,
    variables::Variables,
};
use kubevet_ir::{Clause, Program};
use kubevet_model::Kind;

/// Bodies and conditions to be joined.
#[derive(Default)]
pub(super) struct Together {
    /// Of controls that judge whatever object there is.
    bodies: Vec<Clause>,
    /// What asks them one by one.
    each: Vec<Cel>,
    /// What asks controls that have nothing to say of some objects.
    apart: Vec<Cel>,
}

impl Together {
    pub(super) fn add(&mut self, printed: &Printed, bodies: &[Clause]) {
        let clean = Cel::Asked(format!("({})", printed.clean));
        if printed.silent == Cel::Bool(false).show() {
            self.bodies.extend_from_slice(bodies);
            self.each.push(clean);
        } else {
            self.apart.push(clean);
        }
    }

    /// The question, one condition a line.
    pub(super) fn print(
        self,
        program: &mut Program,
        target: &Target<'_>,
        types: &dyn Types,
        variables: &mut Variables,
    ) -> String {
        let joined = none_found(program, &self.bodies, target, types, variables);
        let joined = joined.unwrap_or(self.each);
        let lines: Vec<String> = joined
            .iter()
            .chain(&self.apart)
            .filter(|it| **it != Cel::Bool(true))
            .map(line)
            .collect();
        if lines.is_empty() {
            Cel::Bool(true).show()
        } else {
            lines.join("\n&& ")
        }
    }
}

fn line(cel: &Cel) -> String {
    match cel {
        Cel::Asked(_) | Cel::Bool(_) => cel.show(),
        it => format!("({})", it.show()),
    }
}

fn none_found(
    program: &mut Program,
    bodies: &[Clause],
    target: &Target<'_>,
    types: &dyn Types,
    variables: &mut Variables,
) -> Result<Vec<Cel>, Refused> {
    let ways = either::ways(program, bodies);
    let kinds: Vec<&Kind> = target.kinds.iter().collect();
    let mut printer = Printer::new(program, target, types, kinds, variables);
    ways.into_iter().map(|way| printer.not(way)).collect()
}
