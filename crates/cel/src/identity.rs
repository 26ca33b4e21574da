//! What makes a finding the same in the old object: its control, and for each of its paths the place, with indices
//! replaced by what Kubernetes merges lists by, the value there, and the values that the control's conditions read at or
//! below the elements that the path names. The same as `decision::identity` computes.

use super::{
    Refused,
    loops::Plan,
    printer::Printer,
    term::{Piece, Presence},
    text::Cel,
    types::Known,
};
use kubevet_ir::{BinderId, Clause, Const, Domain, Term, TermId, ValueType};
use kubevet_k8s::workload::MERGE_KEYS;
use kubevet_model::{FieldPattern, PatternRoot, PatternStep};

/// A path taken apart.
enum Part {
    Text(String),
    Hole(TermId),
}

/// What has been read of a path.
struct Reading {
    /// The place in words, with `[]` for every index.
    label: String,
    items: Vec<Cel>,
    at: Piece,
    /// The field that was read last.
    list: String,
    /// Whether the last item is the value itself.
    told: bool,
    /// The path as far as it was read.
    pattern: FieldPattern,
    /// The elements on the way, each with the number of steps that lead to it.
    elements: Vec<(usize, Piece)>,
}

impl Reading {
    fn new(label: &str, items: Vec<Cel>, at: Piece, pattern: FieldPattern) -> Self {
        let label = label.to_owned();
        Self {
            label,
            items,
            at,
            list: String::new(),
            told: false,
            pattern,
            elements: Vec::new(),
        }
    }

    /// The step to an element that is told apart.
    fn enter(&mut self, element: Piece) {
        self.pattern = self.pattern.then(PatternStep::Each);
        self.elements.push((self.pattern.steps.len(), element));
    }
}

impl Printer<'_> {
    /// How deep the lists of a body's identities are: one for each loop that its paths name, at least one.
    pub(super) fn identity_depth(&self, deny: &Clause) -> usize {
        self.identity_plan(deny).kept().max(1)
    }

    fn identity_plan(&self, deny: &Clause) -> Plan {
        let named: Vec<BinderId> = deny
            .paths
            .iter()
            .flat_map(|it| self.program.free_binders_of_term(*it))
            .copied()
            .filter(|it| deny.binders.contains(it))
            .collect();
        Plan::naming(self.program, deny, &named)
    }

    /// The identities of a body's findings, in lists of lists of this depth.
    pub(super) fn identities(
        &mut self,
        control: &str,
        deny: &Clause,
        depth: usize,
    ) -> Result<Cel, Refused> {
        self.placed = true;
        let own = self.identity_depth(deny);
        let plan = self.identity_plan(deny);
        let printed = self.each(plan, &mut |it| it.identity(control, deny));
        self.placed = false;
        let mut printed = printed?;
        for _ in own..depth {
            printed = Cel::list(&[printed]);
        }
        Ok(printed)
    }

    fn identity(&mut self, control: &str, deny: &Clause) -> Result<Cel, Refused> {
        let mut items = vec![dynamic(&Cel::text(control))];
        for path in &deny.paths {
            items.extend(self.path(*path)?);
        }
        Ok(Cel::list(&items))
    }

    fn path(&mut self, path: TermId) -> Result<Vec<Cel>, Refused> {
        match self.program.term(path).clone() {
            Term::Guard(_, path) => self.path(path),
            Term::Coalesce(paths) => {
                let mut found: Option<Cel> = None;
                for path in paths.iter().rev() {
                    let items = Cel::list(&self.path(*path)?);
                    found = Some(match (found, self.program.term(*path)) {
                        (Some(rest), Term::Guard(cond, _)) => {
                            let cond = *cond;
                            Cel::choice(self.cond(cond)?, items, rest)
                        }
                        _ => items,
                    });
                }
                Ok(found.iter().map(dynamic).collect())
            }
            Term::Concat(pieces) => {
                let parts: Vec<Part> = pieces.iter().map(|it| self.part(*it)).collect();
                self.read(parts)
            }
            _ => {
                let part = self.part(path);
                self.read(vec![part])
            }
        }
    }

    fn part(&self, term: TermId) -> Part {
        match self.program.term(term) {
            Term::Const(Const::String(text)) => Part::Text(text.to_string()),
            _ => Part::Hole(term),
        }
    }

    fn read(&mut self, parts: Vec<Part>) -> Result<Vec<Cel>, Refused> {
        let mut parts = parts.into_iter().peekable();
        let mut reading = match parts.peek() {
            Some(Part::Hole(term)) => {
                let reading = self.base(*term)?;
                parts.next();
                reading
            }
            _ => {
                let at = Piece::read(self.object(), self.object_type());
                Reading::new("", Vec::new(), at, FieldPattern::of(PatternRoot::Object))
            }
        };
        let mut in_brackets = false;
        for part in parts {
            match part {
                Part::Hole(term) if in_brackets => self.hole(&mut reading, term)?,
                Part::Hole(_) => {
                    return Err(Refused("a path whose fields are computed".to_owned()));
                }
                Part::Text(text) => in_brackets = self.steps(&mut reading, &text, in_brackets)?,
            }
        }
        let mut items = vec![dynamic(&Cel::text(&reading.label))];
        items.append(&mut reading.items);
        if !reading.told {
            items.push(item(&reading.at));
        }
        let reads = self
            .path_reads
            .iter()
            .find(|it| it.path == reading.pattern)
            .map(|it| it.fields.clone());
        for read in reads.unwrap_or_default() {
            let Some((_, element)) = reading
                .elements
                .iter()
                .find(|(depth, _)| *depth == read.depth)
            else {
                return Err(Refused(
                    "a condition that reads an element which the path does not lead to".to_owned(),
                ));
            };
            let mut value = element.clone();
            for key in &read.keys {
                value = self.field(value, key)?;
            }
            items.push(item(&value));
        }
        Ok(items)
    }

    /// What a path begins with.
    fn base(&mut self, term: TermId) -> Result<Reading, Refused> {
        match *self.program.term(term) {
            Term::ElementPath(binder) => {
                let Some(element) = self.scope.element(binder).cloned() else {
                    return Err(Refused(
                        "a path of an element outside of its list".to_owned(),
                    ));
                };
                let name = self.field(element.value.clone(), "name")?;
                let named = item(&name);
                let (label, items, list) = match element.list {
                    // All lists of containers are read alike, so the pattern of the first stands for them.
                    Some(list) => ("[]", vec![list, named], "containers"),
                    None => ("volumes[]", vec![named], "volumes"),
                };
                let pattern = FieldPattern::of(PatternRoot::PodSpec)
                    .then(PatternStep::Field(list.to_owned()));
                let mut reading = Reading::new(label, items, element.value.clone(), pattern);
                reading.enter(element.value);
                Ok(reading)
            }
            Term::PodSpecPath => {
                let (definitions, variables) = self.split();
                let spec = definitions.pod_spec(variables)?;
                let at = Piece::read(spec, self.definitions().pod_spec_type());
                Ok(Reading::new(
                    "podSpec",
                    Vec::new(),
                    at,
                    FieldPattern::of(PatternRoot::PodSpec),
                ))
            }
            Term::PodMetadataPath => {
                let (definitions, variables) = self.split();
                let metadata = definitions.pod_metadata(variables)?;
                let at = Piece::read(metadata, self.definitions().pod_metadata_type());
                Ok(Reading::new(
                    "podMetadata",
                    Vec::new(),
                    at,
                    FieldPattern::of(PatternRoot::PodMetadata),
                ))
            }
            _ => Err(Refused(
                "a path that begins with a computed text".to_owned(),
            )),
        }
    }

    /// Steps that are written out. Says whether it ends within brackets.
    fn steps(
        &mut self,
        reading: &mut Reading,
        text: &str,
        mut in_brackets: bool,
    ) -> Result<bool, Refused> {
        let mut word = String::new();
        for letter in text.chars() {
            match (letter, in_brackets) {
                ('.', false) => self.step(reading, &mut word)?,
                ('[', false) => {
                    self.step(reading, &mut word)?;
                    in_brackets = true;
                }
                (']', true) => {
                    self.step(reading, &mut word)?;
                    in_brackets = false;
                }
                _ => word.push(letter),
            }
        }
        self.step(reading, &mut word)?;
        Ok(in_brackets)
    }

    fn step(&mut self, reading: &mut Reading, word: &mut String) -> Result<(), Refused> {
        if word.is_empty() {
            return Ok(());
        }
        if reading.at.known.kind() == Some(ValueType::List) {
            return Err(Refused(
                "a path with an index that is written out".to_owned(),
            ));
        }
        reading.at = self.field(reading.at.clone(), word)?;
        reading.label.push('.');
        reading.label.push_str(word);
        reading.pattern = reading.pattern.then(PatternStep::Field(word.clone()));
        reading.list = std::mem::take(word);
        reading.told = false;
        Ok(())
    }

    /// An index or key that is a term.
    fn hole(&mut self, reading: &mut Reading, term: TermId) -> Result<(), Refused> {
        reading.label.push_str("[]");
        if let Term::Key(binder) = *self.program.term(term) {
            let Some(element) = self.scope.element(binder).cloned() else {
                return Err(Refused(
                    "a path of an element outside of its list".to_owned(),
                ));
            };
            reading.at = element.value.clone();
            reading.enter(element.value.clone());
            if let Some(key) = element.key {
                reading.items.push(item(&key));
                return Ok(());
            }
            if matches!(self.program.binder(binder).domain, Domain::Elements(_))
                && !is_list(&element.value)
            {
                // Whether it is an index or a key, what stands there tells it apart.
                reading.told = true;
            }
            return self.element(reading, &element.value);
        }
        let key = self.term(term)?;
        if !matches!(reading.at.known, Known::Map(_)) || key.known != Known::Text {
            return Err(Refused(
                "a path with a computed key into what is not proved to be a map".to_owned(),
            ));
        }
        let key = key.or_value(&Cel::text(""));
        reading.items.push(dynamic(&key));
        let value = reading.at.known.elements();
        reading.at = Piece {
            is_dyn: true,
            ..Piece::maybe(reading.at.cel.then(&format!("[?{}]", key.show())), value)
        };
        reading.enter(reading.at.clone());
        Ok(())
    }

    /// What tells an element of a list apart.
    fn element(&mut self, reading: &mut Reading, value: &Piece) -> Result<(), Refused> {
        let keys = MERGE_KEYS
            .iter()
            .find(|(name, _)| *name == reading.list)
            .map(|(_, keys)| *keys);
        let mut items = Vec::new();
        for key in keys.unwrap_or_default() {
            let field = self.field(value.clone(), key)?;
            match field.presence {
                Presence::Never => {}
                // What the API server fills in for a port.
                Presence::Maybe if *key == "protocol" => {
                    items.push((Cel::atom(field.or_value(&Cel::text("TCP")).show()), false));
                }
                it => items.push((item(&field), it == Presence::Always)),
            }
        }
        // Without one that is always there, the whole element tells.
        if items.iter().any(|(_, always)| *always) {
            reading.items.extend(items.into_iter().map(|(it, _)| it));
            reading.told = false;
        } else {
            reading.items.push(item(value));
            reading.told = true;
        }
        Ok(())
    }
}

fn is_list(value: &Piece) -> bool {
    value.known != Known::Any
}

/// For a list of anything.
fn dynamic(cel: &Cel) -> Cel {
    Cel::atom(format!("dyn({})", cel.show()))
}

/// What stands there, or that nothing does.
fn item(piece: &Piece) -> Cel {
    match piece.presence {
        Presence::Always if piece.is_dyn => piece.cel.clone(),
        Presence::Maybe if piece.is_dyn && !piece.nullable => {
            let value = piece.or_value(&Cel::atom("null"));
            // Behind an index the type checker knows only the null.
            if value.show().contains("[?") {
                dynamic(&value)
            } else {
                value
            }
        }
        Presence::Never => Cel::atom("null"),
        _ => dynamic(&piece.cel),
    }
}
