//! Reads the table's text, whose head describes the form. Anything that is not in it is an error, with its line: the text
//! is generated, so a line that is skipped would be a type that nobody misses until a policy is wrong.

use super::{
    table::{Schema, Struct},
    types::{Field, KindInfo, Type, TypeId, TypeRef},
};
use std::{fmt, ops::Range};

/// A line of the table that is not in its form.
#[derive(Debug, PartialEq, Eq)]
pub struct TableError {
    line: usize,
    what: &'static str,
}

impl fmt::Display for TableError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for TableError {}

type Result<T> = std::result::Result<T, &'static str>;

impl Schema {
    /// Reads a table.
    ///
    /// # Errors
    /// The first line that is not in the table's form, or not in its order.
    pub fn read(text: &'static str) -> std::result::Result<Self, TableError> {
        let mut reader = Reader {
            schema: Self::empty(),
            names: Vec::new(),
        };
        let lines = || {
            (1..)
                .zip(text.lines())
                .filter(|(_, it)| !it.is_empty() && !it.starts_with('#'))
        };
        for (line, text) in lines() {
            reader
                .name(text)
                .map_err(|what| TableError { line, what })?;
        }
        for (line, text) in lines() {
            reader
                .line(text)
                .map_err(|what| TableError { line, what })?;
        }
        Ok(reader.schema)
    }
}

struct Reader {
    schema: Schema,
    /// Of all types, in the table's order; a type's place is its id.
    names: Vec<&'static str>,
}

/// What stands behind a field's type.
#[derive(Default)]
struct Marks {
    required: bool,
    defaulted: bool,
    nullable: bool,
    keeps_null_items: bool,
    since: Option<u8>,
    until: Option<u8>,
    keys: &'static str,
}

impl Reader {
    /// The first pass: which types there are, since they refer to each other.
    fn name(&mut self, line: &'static str) -> Result<()> {
        if let Some(name) = line
            .strip_prefix("type ")
            .and_then(|rest| rest.split(' ').next())
        {
            in_order(self.names.last(), &name)?;
            self.names.push(name);
        }
        Ok(())
    }

    fn line(&mut self, line: &'static str) -> Result<()> {
        let (word, rest) = line
            .split_once(' ')
            .ok_or("neither versions, kind, type nor field")?;
        match word {
            "versions" => self.versions(rest),
            "kind" => self.kind(rest),
            "type" => self.start(rest),
            "" => self.field(
                rest.strip_prefix(' ')
                    .ok_or("a field is indented by two spaces")?,
            ),
            _ => Err("neither versions, kind, type nor field"),
        }
    }

    fn versions(&mut self, rest: &str) -> Result<()> {
        let (first, last) = rest.split_once(' ').ok_or("two versions are wanted")?;
        let minor = |version: &str| {
            version
                .strip_prefix("1.")
                .and_then(|minor| minor.parse().ok())
                .ok_or("a version is 1.N")
        };
        self.schema.versions = minor(first)?..=minor(last)?;
        Ok(())
    }

    fn kind(&mut self, rest: &'static str) -> Result<()> {
        let mut words = rest.split(' ');
        let mut next = || words.next().ok_or("a word is missing");
        let api_version = next()?;
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let (name, plural) = (next()?, next()?);
        let namespaced = match next()? {
            "namespaced" => true,
            "cluster" => false,
            _ => return Err("namespaced or cluster is wanted"),
        };
        let root = match (next()?, self.expression(next()?)?) {
            ("=", Type::Struct(root)) => root,
            _ => return Err("`= TYPE` is wanted"),
        };
        let Marks { since, until, .. } = marks(words)?;
        let found = KindInfo {
            group,
            version,
            name,
            plural,
            namespaced,
            root,
            since,
            until,
        };
        let order = |kind: &KindInfo| (kind.group, kind.name, kind.version);
        in_order(self.schema.kinds.last().map(order).as_ref(), &order(&found))?;
        self.schema.kinds.push(found);
        Ok(())
    }

    fn start(&mut self, rest: &'static str) -> Result<()> {
        let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let Marks { since, until, .. } = marks(rest.split(' ').filter(|word| !word.is_empty()))?;
        let at = self.schema.fields.len();
        self.schema.types.push(Struct {
            name,
            fields: at..at,
            since,
            until,
        });
        Ok(())
    }

    fn field(&mut self, rest: &'static str) -> Result<()> {
        // Values may have spaces in them.
        let (rest, values) = rest.split_once(" enum=").unwrap_or((rest, ""));
        let mut words = rest.split(' ');
        let (Some(name), Some(expression)) = (words.next(), words.next()) else {
            return Err("a field has a type");
        };
        let ty = self.expression(expression)?;
        let Marks {
            required,
            defaulted,
            nullable,
            keeps_null_items,
            since,
            until,
            keys,
        } = marks(words)?;
        let Schema { types, fields, .. } = &mut self.schema;
        let of = types.last_mut().ok_or("a field stands before any type")?;
        in_order(
            fields
                .get(of.fields.clone())
                .and_then(<[Field]>::last)
                .map(|field| field.name)
                .as_ref(),
            &name,
        )?;
        let (since, until) = (since.or(of.since), until.or(of.until));
        fields.push(Field {
            name,
            ty,
            required,
            defaulted,
            nullable,
            keeps_null_items,
            since,
            until,
            keys,
            values,
        });
        of.fields = Range {
            start: of.fields.start,
            end: fields.len(),
        };
        Ok(())
    }

    fn expression(&mut self, text: &str) -> Result<Type> {
        let inner = |open, close| {
            text.strip_prefix(open)
                .and_then(|inner: &str| inner.strip_suffix(close))
        };
        if let Some(inner) = inner('[', ']') {
            return Ok(Type::List(self.inner(inner)?));
        }
        if let Some(inner) = inner('{', '}') {
            return Ok(Type::Map(self.inner(inner)?));
        }
        Ok(match text {
            "string" => Type::String,
            "bool" => Type::Bool,
            "int32" => Type::Int32,
            "int64" => Type::Int64,
            "number" => Type::Number,
            "quantity" => Type::Quantity,
            "intOrString" => Type::IntOrString,
            "time" => Type::Time,
            "bytes" => Type::Bytes,
            "any" => Type::Any,
            name => {
                let at = self
                    .names
                    .binary_search(&name)
                    .map_err(|_| "no such type")?;
                Type::Struct(TypeId(u16::try_from(at).map_err(|_| "too many types")?))
            }
        })
    }

    /// Each type of elements is kept once.
    fn inner(&mut self, text: &str) -> Result<TypeRef> {
        let ty = self.expression(text)?;
        let inner = &mut self.schema.inner;
        let at = inner
            .iter()
            .position(|element| *element == ty)
            .unwrap_or_else(|| {
                inner.push(ty);
                inner.len() - 1
            });
        Ok(TypeRef(u16::try_from(at).map_err(|_| "too many types")?))
    }
}

fn marks(words: impl Iterator<Item = &'static str>) -> Result<Marks> {
    let mut marks = Marks::default();
    let minor = |version: &str| {
        version
            .parse()
            .map(Some)
            .map_err(|_| "a minor version is a number")
    };
    for word in words {
        match word {
            "required" => marks.required = true,
            "always" => marks.defaulted = true,
            "nullable" => marks.nullable = true,
            "nulls" => marks.keeps_null_items = true,
            _ => {
                if let Some(version) = word.strip_prefix('@') {
                    marks.since = minor(version)?;
                } else if let Some(version) = word.strip_prefix('-') {
                    marks.until = minor(version)?;
                } else if let Some(keys) = word.strip_prefix("keys=") {
                    marks.keys = keys;
                } else {
                    return Err("no such mark");
                }
            }
        }
    }
    Ok(marks)
}

/// Names are found by halving, so they must be sorted.
fn in_order<T: Ord>(last: Option<&T>, next: &T) -> Result<()> {
    if last.is_some_and(|last| last >= next) {
        Err("out of order, or twice")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# a comment\nversions 1.30 1.36\n\nkind g/v1 A as cluster = a.A @31\n\ntype a.A\n  b [{a.A}] required\n  c any\n";

    /// What reading says of a table in which one text stands for another.
    #[track_caller]
    fn check(from: &str, to: &str, expected: &str) {
        assert!(GOOD.contains(from), "{from}");
        let text = Box::leak(GOOD.replacen(from, to, 1).into_boxed_str());
        let actual =
            Schema::read(text).map_or_else(|error| error.to_string(), |_| "good".to_owned());
        assert_eq!(actual, expected, "{from} → {to}");
    }

    #[test]
    fn a_broken_line_is_named() {
        check("any", "any", "good");
        check(
            "any",
            "string nullable nulls always keys=x,y @31 -35 enum=\"\",b c",
            "good",
        );
        check(
            "versions 1.30 1.36",
            "versions 1.30",
            "line 2: two versions are wanted",
        );
        check("1.36", "2.0", "line 2: a version is 1.N");
        check("= a.A", "= a.B", "line 4: no such type");
        check("= a.A", "= any", "line 4: `= TYPE` is wanted");
        check("= a.A", "is a.A", "line 4: `= TYPE` is wanted");
        check(" = a.A @31", "", "line 4: a word is missing");
        check(
            "cluster",
            "global",
            "line 4: namespaced or cluster is wanted",
        );
        check(" @31", " @x", "line 4: a minor version is a number");
        check(
            "kind",
            "kinds",
            "line 4: neither versions, kind, type nor field",
        );
        check("type a.A\n", "", "line 4: no such type");
        check("[{a.A}]", "[{a.A]", "line 7: no such type");
        check("  b", " b", "line 7: a field is indented by two spaces");
        check("  b [{a.A}] required", "  b", "line 7: a field has a type");
        check("required", "needed", "line 7: no such mark");
        check("  c any", "  a any", "line 8: out of order, or twice");
        check("  c any", "  b any", "line 8: out of order, or twice");
        check("  c any", "type a.A", "line 8: out of order, or twice");
        check(
            "\nkind",
            "  x any\nkind",
            "line 3: a field stands before any type",
        );
    }
}
