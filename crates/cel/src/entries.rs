//! Entries: the texts of several lists of which bodies of a rule ask the same, as one list. The
//! question is then written once: is the value under this name a credential?
//!
//! Only policies that people read have entries. An entry holds the texts and the sentence for the
//! case that it is found; `correspondence` proves that the bodies ask the same.

use super::{
    comprehension::LoopNest,
    control::is_never_empty,
    correspondence::Correspondence,
    definitions::ENTRIES,
    emitter::Emitter,
    expr::Expr,
    message::{flattened, message_parts},
    names::BoundElement,
    typed_expr::{Presence, TypedExpr},
    types::StaticType,
    unsupported::Unsupported,
};
use kubevet_ir::{
    BinderId, Clause, Condition, ConditionId, Const, Descent, Predicate, Program, Term, TermId,
    Visitor, Walk,
};

/// The field of an entry that holds the sentence.
const FINDING: &str = "finding";
/// Questions of fewer characters are repeated: the list of entries would be longer.
const MIN_CHARS: usize = 500;
/// The characters of an average term.
const TERM_CHARS: usize = 10;
/// The characters of the test whether an image is of a registry or repository.
const IMAGE_TEST_CHARS: usize = 1_500;
/// Texts of an entry.
const MAX_TEXTS: usize = 4;
/// Loops that an entry is in: lists of lists can be joined, deeper ones cannot.
const MAX_DEPTH: usize = 2;

/// Bodies of a rule that ask the same of the elements of different lists.
#[derive(Debug)]
pub(super) struct Entries {
    /// The conditions that they have in common, as the first body has them.
    question: Vec<ConditionId>,
    /// The loops of the first body.
    loops: Vec<BinderId>,
    /// The bodies, at least two.
    sources: Vec<Source>,
}

/// A body, without the question.
#[derive(Debug)]
struct Source {
    /// Its index in the rule.
    index: usize,
    /// The body: where the texts come from.
    clause: Clause,
    /// The texts that the question is asked of, in the order of the first body.
    texts: Vec<TermId>,
}

/// A body that asks a question, and how.
struct Asking {
    index: usize,
    texts: Vec<TermId>,
    conditions: Vec<ConditionId>,
}

impl Entries {
    /// The first bodies that ask the same long question; `None` if there are none.
    pub(super) fn of(program: &mut Program, clauses: &[Clause]) -> Option<Self> {
        let asking = (0..clauses.len()).find_map(|first| asking_as(program, clauses, first))?;
        let first = asking.first()?;
        let (question, loops) = (
            first.conditions.clone(),
            clauses.get(first.index)?.binders.clone(),
        );
        let sources = asking.into_iter().filter_map(|asking| {
            let mut clause = clauses.get(asking.index)?.clone();
            clause
                .when
                .retain(|condition| !asking.conditions.contains(condition));
            // The whole body proves these, so they change nothing but where an entry exists.
            let used = message_parts(program, clause.message);
            for term in asking.texts.iter().chain(&used) {
                let is_defined = program.defined(*term);
                clause.when.push(is_defined);
            }
            Some(Source {
                index: asking.index,
                clause,
                texts: asking.texts,
            })
        });
        Some(Self {
            sources: sources.collect(),
            question,
            loops,
        })
    }

    /// True if the body at this index is one of them.
    pub(super) fn has(&self, index: usize) -> bool {
        self.sources.iter().any(|source| source.index == index)
    }

    /// True if the body at this index is the first of them.
    pub(super) fn begin_at(&self, index: usize) -> bool {
        let first = self.sources.first();
        first.is_some_and(|source| source.index == index)
    }

    /// Defines the variable with the entries, none where the control does not apply. A list of the
    /// sentences about those that are found; `None` where a text is not proved to be a string.
    pub(super) fn findings(
        &self,
        emitter: &mut Emitter<'_, '_>,
        not_applicable: &Expr,
    ) -> Result<Option<Expr>, Unsupported> {
        let depths = self.sources.iter();
        let depths = depths.map(|source| source.clause.binders.len());
        let is_nested = depths.max() == Some(MAX_DEPTH);
        let mut lists = Vec::new();
        let mut writer = EntryWriter::default();
        for source in &self.sources {
            let list = writer.list(emitter, source)?;
            let is_list_of_lists = source.clause.binders.len() == MAX_DEPTH;
            if list != Expr::empty_list() {
                lists.push(if is_nested && !is_list_of_lists {
                    Expr::List(vec![list])
                } else {
                    list
                });
            }
        }
        if !writer.is_total {
            return Ok(None);
        }
        if lists.is_empty() {
            return Ok(Some(Expr::empty_list()));
        }
        let entries = Expr::concatenation(lists);
        let entries = Expr::conditional(not_applicable.clone(), Expr::empty_list(), entries);
        emitter.variables.define(ENTRIES, entries);
        self.found(emitter, &writer.fields, is_nested).map(Some)
    }

    /// The sentences of the entries for which the answer is yes.
    fn found(
        &self,
        emitter: &mut Emitter<'_, '_>,
        fields: &[String],
        is_nested: bool,
    ) -> Result<Expr, Unsupported> {
        let name = emitter.scope.reserve("entry");
        let entry = Expr::ident(&name);
        // The loops of the first body count as open. Nothing but the texts depends on them.
        for binder in &self.loops {
            emitter.scope.reserve("z");
            emitter.scope.push(BoundElement {
                binder: *binder,
                value: TypedExpr::never(),
                key: None,
                list_name: None,
            });
        }
        let first = self.sources.first();
        let texts = first.map_or(&[][..], |source| &source.texts);
        for (text, field) in texts.iter().zip(fields) {
            let value = entry.clone().select(field);
            let value = TypedExpr::always(value, StaticType::String);
            emitter.scope.bind(*text, value);
        }
        let condition = emitter.conditions(&self.question);
        for text in texts {
            emitter.scope.unbind(*text);
        }
        for _ in &self.loops {
            emitter.leave();
        }
        emitter.scope.release();
        let sentence = entry.select(FINDING);
        let entries = Expr::variable(ENTRIES);
        if !is_nested {
            return Ok(entries.filter_map(&name, condition?, sentence));
        }
        let list = Expr::ident("l").filter_map(&name, condition?, sentence);
        Ok(flattened(entries.map("l", list)))
    }
}

/// Writes entries.
struct EntryWriter {
    /// The fields with the texts, as the first entry names them.
    fields: Vec<String>,
    /// True while all texts are strings.
    is_total: bool,
}

impl Default for EntryWriter {
    fn default() -> Self {
        Self {
            fields: Vec::new(),
            is_total: true,
        }
    }
}

impl EntryWriter {
    /// The entries of a body, in lists nested as deep as it has loops.
    fn list(
        &mut self,
        emitter: &mut Emitter<'_, '_>,
        source: &Source,
    ) -> Result<Expr, Unsupported> {
        let program = emitter.context.program;
        let clause = &source.clause;
        let nest = LoopNest::naming(program, clause, &clause.binders);
        let parts = message_parts(program, clause.message);
        emitter.each_finding(nest, &mut |emitter| {
            let mut values = Vec::new();
            for text in &source.texts {
                values.push(emitter.term(*text)?);
            }
            let sentence = emitter.sentence(&parts, None)?;
            Ok(self.entry(&values, sentence))
        })
    }

    fn entry(&mut self, texts: &[TypedExpr], sentence: Expr) -> Expr {
        let mut entries = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let is_string = text.static_type == StaticType::String && !text.nullable;
            let value = text.present.clone().filter(|_| {
                is_string && matches!(text.presence, Presence::Always | Presence::Maybe)
            });
            let Some(value) = value else {
                self.is_total = false;
                continue;
            };
            if self.fields.len() <= index {
                let field = value.last_field().unwrap_or("text").to_owned();
                let is_taken = field == FINDING || self.fields.contains(&field);
                self.fields.push(if is_taken {
                    format!("{field}{}", index + 1)
                } else {
                    field
                });
            }
            if let Some(field) = self.fields.get(index) {
                // The values of a map have one type, and the sentence is a string.
                entries.push((Expr::string(field), Expr::call("string", value)));
            }
        }
        let is_string = matches!(&sentence, Expr::Sum(parts) if parts.iter().any(Expr::is_literal));
        let sentence = if is_string || sentence.is_literal() {
            sentence
        } else {
            Expr::call("string", sentence)
        };
        entries.push((Expr::string(FINDING), sentence));
        Expr::Map(entries)
    }
}

/// The body at an index and all later ones that ask the same; `None` if there is none or the
/// question is short.
fn asking_as(program: &Program, clauses: &[Clause], first: usize) -> Option<Vec<Asking>> {
    let body = clauses.get(first)?;
    let mut asking: Vec<Asking> = Vec::new();
    for (index, other) in clauses.iter().enumerate().skip(first + 1) {
        let Some([of_first, of_other]) = same_question(program, [body, other], [first, index])
        else {
            continue;
        };
        match asking.first() {
            None => asking.extend([of_first, of_other]),
            Some(known)
                if known.conditions == of_first.conditions && known.texts == of_first.texts =>
            {
                asking.push(of_other);
            }
            Some(_) => {}
        }
    }
    (!asking.is_empty()).then_some(asking)
}

/// What two bodies ask alike.
fn same_question(
    program: &Program,
    bodies: [&Clause; 2],
    indices: [usize; 2],
) -> Option<[Asking; 2]> {
    let can_list = |body: &&Clause| {
        (1..=MAX_DEPTH).contains(&body.binders.len()) && is_never_empty(program, body.message)
    };
    if !bodies.iter().all(can_list) {
        return None;
    }
    let [a, b] = bodies;
    let mut same = Correspondence::between(program, &a.binders, &b.binders);
    // Long conditions first: short ones correspond to many.
    let mut conditions: Vec<ConditionId> = a.when.clone();
    conditions.retain(|condition| !program.free_binders_of_condition(*condition).is_empty());
    conditions.sort_by_key(|condition| std::cmp::Reverse(chars_of(program, &[*condition])));
    let (mut of_a, mut of_b) = (Vec::new(), Vec::new());
    for condition in conditions {
        let other = b
            .when
            .iter()
            .find(|other| !of_b.contains(*other) && same.adds_conditions(condition, **other));
        if let Some(other) = other {
            of_a.push(condition);
            of_b.push(*other);
        }
    }
    of_a.sort_by_key(|condition| a.when.iter().position(|other| other == condition));
    let [texts_a, texts_b] = same.texts()?;
    let is_question = chars_of(program, &of_a) >= MIN_CHARS
        && (1..=MAX_TEXTS).contains(&texts_a.len())
        && is_about(program, &of_a, &texts_a, &a.binders);
    let proves = |body: &Clause, texts: &[TermId]| {
        let proved = body.when.iter();
        let proved: Vec<TermId> = proved
            .flat_map(|condition| program.proves_defined(*condition))
            .collect();
        let is_defined = |text: &TermId| program.is_defined(*text) || proved.contains(text);
        texts.iter().all(is_defined)
    };
    if !is_question || !proves(a, &texts_a) || !proves(b, &texts_b) {
        return None;
    }
    let [index_a, index_b] = indices;
    Some([
        Asking {
            index: index_a,
            texts: texts_a,
            conditions: of_a,
        },
        Asking {
            index: index_b,
            texts: texts_b,
            conditions: of_b,
        },
    ])
}

/// About how many characters the different parts of conditions have in CEL.
fn chars_of(program: &Program, conditions: &[ConditionId]) -> usize {
    let mut size = Size { program, chars: 0 };
    let mut walk = Walk::once(program);
    for condition in conditions {
        walk.condition(*condition, &mut size);
    }
    size.chars
}

struct Size<'p> {
    program: &'p Program,
    chars: usize,
}

impl Visitor for Size<'_> {
    fn enter_condition(&mut self, condition: ConditionId, _scope: &[BinderId]) -> Descent {
        if let Condition::Predicate(Predicate::ImageWithin, _) = self.program.condition(condition) {
            self.chars += IMAGE_TEST_CHARS;
        }
        Descent::Children
    }

    fn enter_term(&mut self, term: TermId, _scope: &[BinderId]) -> Descent {
        self.chars += match self.program.term(term) {
            Term::Const(Const::String(text)) => text.len(),
            _ => TERM_CHARS,
        };
        Descent::Children
    }
}

/// True if conditions depend on loops through these texts alone.
fn is_about(
    program: &Program,
    conditions: &[ConditionId],
    texts: &[TermId],
    loops: &[BinderId],
) -> bool {
    let mut others = OtherTerms {
        program,
        texts,
        loops,
        is_found: false,
    };
    let mut walk = Walk::once(program);
    for condition in conditions {
        walk.condition(*condition, &mut others);
    }
    !others.is_found
}

/// Looks for an element of the loops outside of the texts.
struct OtherTerms<'p> {
    program: &'p Program,
    texts: &'p [TermId],
    loops: &'p [BinderId],
    is_found: bool,
}

impl Visitor for OtherTerms<'_> {
    fn enter_term(&mut self, term: TermId, _scope: &[BinderId]) -> Descent {
        if self.texts.contains(&term) {
            return Descent::Skip;
        }
        if let Term::Key(binder)
        | Term::Value(binder)
        | Term::ElementName(binder)
        | Term::ElementPath(binder)
        | Term::ListName(binder) = self.program.term(term)
        {
            self.is_found |= self.loops.contains(binder);
        }
        Descent::Children
    }

    /// A loop over the same list inside a condition has elements of its own.
    fn enter_binder(&mut self, binder: BinderId, _scope: &[BinderId]) -> Descent {
        self.is_found |= self.loops.contains(&binder);
        Descent::Children
    }
}
