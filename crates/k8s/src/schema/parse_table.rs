//! Parses the table, whose head describes its format. Any other line is an error with its number:
//! the table is generated, and a skipped line would be a type whose absence shows in no test but in
//! a wrong policy.

use super::{
    table::{Schema, Struct},
    types::{Field, KindInfo, PLAIN_TYPES, Type, TypeId, TypeRef},
};
use std::{fmt, ops::Range};

/// An invalid line of the table.
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
    /// Parses a table.
    ///
    /// # Errors
    /// The first line that is invalid or out of order.
    pub fn read(text: &'static str) -> std::result::Result<Self, TableError> {
        let mut parser = TableParser {
            schema: Self::empty(),
            names: Vec::new(),
        };
        let lines = || {
            (1..)
                .zip(text.lines())
                .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        };
        for (line, text) in lines() {
            parser
                .collect_name(text)
                .map_err(|what| TableError { line, what })?;
        }
        for (line, text) in lines() {
            parser
                .parse_line(text)
                .map_err(|what| TableError { line, what })?;
        }
        Ok(parser.schema)
    }
}

struct TableParser {
    schema: Schema,
    /// The names of all types, sorted; the id of a type is its index.
    names: Vec<&'static str>,
}

/// The flags of a field, kind or type.
#[derive(Default)]
struct FieldFlags {
    required: bool,
    defaulted: bool,
    nullable: bool,
    keeps_null_items: bool,
    since: Option<u8>,
    until: Option<u8>,
    keys: &'static str,
}

impl TableParser {
    /// First pass: collects the names of the types, since they refer to each other.
    fn collect_name(&mut self, line: &'static str) -> Result<()> {
        if let Some(name) = line
            .strip_prefix("type ")
            .and_then(|rest| rest.split(' ').next())
        {
            in_order(self.names.last(), &name)?;
            self.names.push(name);
        }
        Ok(())
    }

    fn parse_line(&mut self, line: &'static str) -> Result<()> {
        let (keyword, rest) = line
            .split_once(' ')
            .ok_or("neither versions, kind, type nor field")?;
        match keyword {
            "versions" => self.parse_versions(rest),
            "kind" => self.parse_kind(rest),
            "type" => self.parse_type(rest),
            "" => self.parse_field(
                rest.strip_prefix(' ')
                    .ok_or("a field is indented by two spaces")?,
            ),
            _ => Err("neither versions, kind, type nor field"),
        }
    }

    fn parse_versions(&mut self, rest: &str) -> Result<()> {
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

    fn parse_kind(&mut self, rest: &'static str) -> Result<()> {
        let mut tokens = rest.split(' ');
        let mut next = || tokens.next().ok_or("a word is missing");
        let api_version = next()?;
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let (name, plural) = (next()?, next()?);
        let namespaced = match next()? {
            "namespaced" => true,
            "cluster" => false,
            _ => return Err("namespaced or cluster is wanted"),
        };
        let root = match (next()?, self.parse_field_type(next()?)?) {
            ("=", Type::Struct(root)) => root,
            _ => return Err("`= TYPE` is wanted"),
        };
        let FieldFlags { since, until, .. } = parse_flags(tokens)?;
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

    fn parse_type(&mut self, rest: &'static str) -> Result<()> {
        let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let FieldFlags { since, until, .. } =
            parse_flags(rest.split(' ').filter(|token| !token.is_empty()))?;
        let at = self.schema.fields.len();
        self.schema.types.push(Struct {
            name,
            fields: at..at,
            since,
            until,
        });
        Ok(())
    }

    fn parse_field(&mut self, rest: &'static str) -> Result<()> {
        // Values may contain spaces.
        let (rest, values) = rest.split_once(" enum=").unwrap_or((rest, ""));
        let mut tokens = rest.split(' ');
        let (Some(name), Some(expression)) = (tokens.next(), tokens.next()) else {
            return Err("a field has a type");
        };
        let ty = self.parse_field_type(expression)?;
        let FieldFlags {
            required,
            defaulted,
            nullable,
            keeps_null_items,
            since,
            until,
            keys,
        } = parse_flags(tokens)?;
        let Schema { types, fields, .. } = &mut self.schema;
        let of = types.last_mut().ok_or("a field comes before any type")?;
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

    fn parse_field_type(&mut self, text: &str) -> Result<Type> {
        let inner = |open, close| {
            text.strip_prefix(open)
                .and_then(|inner: &str| inner.strip_suffix(close))
        };
        if let Some(inner) = inner('[', ']') {
            return Ok(Type::List(self.intern(inner)?));
        }
        if let Some(inner) = inner('{', '}') {
            return Ok(Type::Map(self.intern(inner)?));
        }
        if let Some((_, plain)) = PLAIN_TYPES.iter().find(|(name, _)| *name == text) {
            return Ok(*plain);
        }
        let at = self
            .names
            .binary_search(&text)
            .map_err(|_| "no such type")?;
        Ok(Type::Struct(TypeId(
            u16::try_from(at).map_err(|_| "too many types")?,
        )))
    }

    /// Interns a type of elements: each is stored once.
    fn intern(&mut self, text: &str) -> Result<TypeRef> {
        let ty = self.parse_field_type(text)?;
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

fn parse_flags(tokens: impl Iterator<Item = &'static str>) -> Result<FieldFlags> {
    let mut flags = FieldFlags::default();
    let minor = |version: &str| {
        version
            .parse()
            .map(Some)
            .map_err(|_| "a minor version is a number")
    };
    for token in tokens {
        match token {
            "required" => flags.required = true,
            "always" => flags.defaulted = true,
            "nullable" => flags.nullable = true,
            "nulls" => flags.keeps_null_items = true,
            _ => {
                if let Some(version) = token.strip_prefix('@') {
                    flags.since = minor(version)?;
                } else if let Some(version) = token.strip_prefix('-') {
                    flags.until = minor(version)?;
                } else if let Some(keys) = token.strip_prefix("keys=") {
                    flags.keys = keys;
                } else {
                    return Err("no such mark");
                }
            }
        }
    }
    Ok(flags)
}

/// Checks the order: names are searched by bisection.
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

    /// Checks the result of parsing the valid table with one part replaced.
    #[track_caller]
    fn check(from: &str, to: &str, expected: &str) {
        assert!(GOOD.contains(from), "{from}");
        let text = Box::leak(GOOD.replacen(from, to, 1).into_boxed_str());
        let actual =
            Schema::read(text).map_or_else(|error| error.to_string(), |_| "good".to_owned());
        assert_eq!(actual, expected, "{from} → {to}");
    }

    #[test]
    fn invalid_line_is_reported_with_its_number() {
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
            "line 3: a field comes before any type",
        );
    }
}
