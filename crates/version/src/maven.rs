//! Maven versions, split as `ComparableVersion` of Maven 3.9 does: into nested lists of numbers and
//! qualifiers.

use crate::{
    digits::is_number,
    maven_items::{Item, compare_lists},
};
use std::cmp::Ordering;

/// The lists within lists that a version may have; longer texts are refused before.
const MAX_LISTS: usize = 256;

/// A version, as items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MavenVersion(Vec<Item>);

impl MavenVersion {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut parser = Parser::default();
        parser.read(&text.to_lowercase());
        if parser.lists.len() > MAX_LISTS {
            return Err("it changes between digits and letters too often");
        }
        Ok(Self(parser.nested()))
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        compare_lists(&self.0, &other.0)
    }
}

/// Removes a Java runtime at the end, such as `.jre11`: it says for whom a build is, and advisories do
/// not state it. `None` where there is none.
pub(crate) fn without_runtime(text: &str) -> Option<&str> {
    let name = text.trim_end_matches(|char: char| char.is_ascii_digit());
    if name.len() == text.len() {
        return None;
    }
    let at = name.len().checked_sub(".jre".len())?;
    let (version, runtime) = name.split_at_checked(at)?;
    let is_runtime = [".jre", ".jdk"]
        .iter()
        .any(|known| runtime.eq_ignore_ascii_case(known));
    is_runtime.then_some(version)
}

/// What has been read so far. Each list stands at the end of the one before it.
struct Parser {
    lists: Vec<Vec<Item>>,
    /// The characters of the item that is being read.
    item: String,
    is_digit: bool,
}

impl Default for Parser {
    fn default() -> Self {
        Self {
            lists: vec![Vec::new()],
            item: String::new(),
            is_digit: false,
        }
    }
}

impl Parser {
    fn read(&mut self, text: &str) {
        for char in text.chars() {
            match char {
                '.' => self.end_item_at_separator(),
                '-' => {
                    self.end_item_at_separator();
                    self.lists.push(Vec::new());
                }
                char if char.is_ascii_digit() => self.read_digit(char),
                char => self.read_letter(char),
            }
        }
        if !self.item.is_empty() {
            if !self.is_digit {
                self.begin_list_of_qualifier();
            }
            self.end_item(false);
        }
    }

    fn read_digit(&mut self, char: char) {
        if !self.is_digit && !self.item.is_empty() {
            self.begin_list_of_qualifier();
            self.end_item(true);
            self.lists.push(Vec::new());
        }
        self.is_digit = true;
        self.item.push(char);
    }

    fn read_letter(&mut self, char: char) {
        if self.is_digit && !self.item.is_empty() {
            self.end_item(false);
            self.lists.push(Vec::new());
        }
        self.is_digit = false;
        self.item.push(char);
    }

    fn end_item_at_separator(&mut self) {
        if self.item.is_empty() {
            self.push(Item::Number("0".into()));
        } else {
            self.end_item(false);
        }
    }

    fn end_item(&mut self, before_digit: bool) {
        let text = std::mem::take(&mut self.item);
        self.push(if is_number(&text) {
            Item::Number(text.into())
        } else {
            Item::Text(Item::qualifier(&text, before_digit))
        });
    }

    fn push(&mut self, item: Item) {
        if let Some(list) = self.lists.last_mut() {
            list.push(item);
        }
    }

    /// `.X` is the same as `-X` for a qualifier at the end or before a digit.
    fn begin_list_of_qualifier(&mut self) {
        if self.lists.last().is_some_and(|list| !list.is_empty()) {
            self.lists.push(Vec::new());
        }
    }

    /// Puts each list into the one before it, and leaves out what does not count.
    fn nested(mut self) -> Vec<Item> {
        let mut inner: Option<Vec<Item>> = None;
        while let Some(mut list) = self.lists.pop() {
            list.extend(inner.map(Item::List));
            normalize(&mut list);
            inner = Some(list);
        }
        inner.unwrap_or_default()
    }
}

/// Removes what is null at the end, and before lists at the end.
fn normalize(list: &mut Vec<Item>) {
    for index in (0..list.len()).rev() {
        match list.get(index) {
            Some(item) if item.is_null() => {
                list.remove(index);
            }
            Some(Item::List(_)) => {}
            _ => return,
        }
    }
}
