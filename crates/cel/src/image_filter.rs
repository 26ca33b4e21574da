//! A cheap test before an expensive one: what an image reference must contain if one of its parts is
//! to have a certain text. Taking a reference apart needs regular expressions; most references do
//! not even contain the name that is looked for.
//!
//! Only packs have such tests, since their conditions are evaluated for each object that passes.

use super::{
    emitter::Emitter, expr::Expr, typed_expr::TypedExpr, types::StaticType,
    unsupported::Unsupported,
};
use kubevet_ir::{
    Comparison, Condition, ConditionId, Const, Intrinsic, Predicate, Program, Term, TermId,
};

/// A condition that holds only if an image reference contains one of some texts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ImageFilter {
    image: TermId,
    texts: Vec<String>,
    /// True if the texts are in the reference in lower case.
    is_lower: bool,
}

/// A part of an image reference, and what may be in the part that is not in the reference.
struct Part {
    image: TermId,
    function: Intrinsic,
    added: &'static str,
}

impl Part {
    /// The part that a term is, or a repository with a slash before it.
    fn of(program: &Program, term: TermId) -> Option<Self> {
        let call = match program.term(term) {
            Term::Concat(parts) => match parts.as_ref() {
                [slash, call]
                    if *program.term(*slash) == Term::Const(Const::String("/".into())) =>
                {
                    *call
                }
                _ => return None,
            },
            _ => term,
        };
        let Term::Call(function, operands) = program.term(call) else {
            return None;
        };
        let added = match function {
            Intrinsic::ImageRepository => "library",
            Intrinsic::ImageRegistry if call == term => "docker.io",
            Intrinsic::ImageTag | Intrinsic::ImageDigest if call == term => "",
            Intrinsic::ImageEffectiveTag if call == term => "latest",
            _ => return None,
        };
        Some(Self {
            image: *operands.first()?,
            function: *function,
            added,
        })
    }

    /// A text that the reference must contain if the part is to contain another; `None` where it may
    /// contain anything.
    fn needed(&self, text: &str) -> Option<String> {
        let pieces = match self.function {
            // Only the steps come from the reference as they are.
            Intrinsic::ImageRepository => text.split('/').collect(),
            _ => vec![text],
        };
        let pieces = pieces
            .into_iter()
            .filter(|piece| !self.added.contains(piece));
        pieces.max_by_key(|piece| piece.len()).map(str::to_owned)
    }
}

/// The filter of a condition; `None` where it has none.
pub(super) fn image_filter(program: &Program, condition: ConditionId) -> Option<ImageFilter> {
    let string = |term: TermId| match program.term(term) {
        Term::Const(Const::String(text)) => Some(text.as_ref()),
        _ => None,
    };
    let (part, texts) = match program.condition(condition) {
        Condition::Predicate(
            Predicate::StartsWith | Predicate::EndsWith | Predicate::Contains,
            operands,
        ) => {
            let [searched, text] = operands.as_ref() else {
                return None;
            };
            (Part::of(program, *searched)?, vec![string(*text)?])
        }
        Condition::Compare(Comparison::Equal, a, b) => match (string(*a), string(*b)) {
            (Some(text), None) => (Part::of(program, *b)?, vec![text]),
            (None, Some(text)) => (Part::of(program, *a)?, vec![text]),
            _ => return None,
        },
        Condition::OneOf(term, values) => {
            let mut texts = Vec::new();
            for value in values {
                let Const::String(text) = value else {
                    return None;
                };
                texts.push(text.as_ref());
            }
            (Part::of(program, *term)?, texts)
        }
        _ => return None,
    };
    let needed: Option<Vec<String>> = texts.iter().map(|text| part.needed(text)).collect();
    let mut texts = needed?;
    texts.sort();
    texts.dedup();
    Some(ImageFilter {
        image: part.image,
        texts,
        is_lower: part.function == Intrinsic::ImageRegistry,
    })
}

impl Emitter<'_, '_> {
    /// A condition after its filter, if it has one.
    pub(super) fn filtered_by_image(
        &mut self,
        condition: ConditionId,
        emitted: Expr,
    ) -> Result<Expr, Unsupported> {
        if !self.context.is_pack || matches!(emitted, Expr::Bool(_)) {
            return Ok(emitted);
        }
        let Some(filter) = image_filter(self.context.program, condition) else {
            return Ok(emitted);
        };
        let image = self.term(filter.image)?;
        Ok(match filter.test(&image) {
            Some(test) => Expr::all([test, emitted]),
            None => emitted,
        })
    }
}

impl ImageFilter {
    fn test(&self, image: &TypedExpr) -> Option<Expr> {
        if image.static_type != StaticType::String || image.nullable {
            return None;
        }
        let mut image = image.or_value(&Expr::string(""));
        if self.is_lower {
            image = image.method("lowerAscii", []);
        }
        let contains = |text: &String| {
            image
                .clone()
                .method("contains", [Expr::string(text.as_str())])
        };
        Some(Expr::any(self.texts.iter().map(contains)))
    }
}
