//! `lib.connections`, of the options of a connection, which are a map.
//!
//! The emitter uses the shorter [`super::connection`] in messages; these are complete and held to
//! Rego by tests.

use super::operands::empty;
use crate::expr::{Expr, Relation};

/// Ports of more digits are not printed.
const MAX_PORT: i64 = 1_000_000_000;
/// Characters of a list before it is cut.
const MAX_LIST_CHARS: i64 = 200;

/// `lib.connections.target`.
pub(crate) fn target(object: Expr) -> Expr {
    let container = || Expr::ident("text");
    let is_named = Expr::all([
        container().is_type("string"),
        container().differs_from(empty()),
    ]);
    let described = Expr::conditional(
        is_named,
        Expr::string("container ").plus(container()),
        Expr::string("the pod"),
    );
    object
        .opt_select("container")
        .or_value(empty())
        .bind("text", described)
}

/// `lib.connections.command`.
pub(crate) fn command(object: Expr) -> Expr {
    let strings = Expr::ident("items").filter("item", Expr::ident("item").is_type("string"));
    described_list(
        object,
        "command",
        strings.method("join", [Expr::string(" ")]),
    )
}

/// `lib.connections.ports`.
pub(crate) fn ports(object: Expr) -> Expr {
    let item = || Expr::ident("item");
    let is_port = Expr::all([
        item().is_type("int"),
        item().exceeds(Expr::Int(-MAX_PORT)),
        item().relation(Relation::Less, Expr::Int(MAX_PORT)),
    ]);
    let ports = Expr::ident("items")
        .filter("item", is_port)
        .map("item", Expr::call("string", item()))
        .method("join", [Expr::string(", ")]);
    described_list(object, "ports", ports)
}

/// A list of the options after a colon, cut where it gets long. `joined` is its elements in one
/// string.
fn described_list(object: Expr, field: &str, joined: Expr) -> Expr {
    let text = || Expr::ident("text");
    let is_long = Expr::call("size", text()).exceeds(Expr::Int(MAX_LIST_CHARS));
    let cut = text().method("substring", [Expr::Int(0), Expr::Int(MAX_LIST_CHARS)]);
    let described = Expr::conditional(
        text().equals(empty()),
        empty(),
        Expr::string(": ").plus(Expr::conditional(is_long, cut, text())),
    );
    let joined = Expr::conditional(Expr::ident("items").is_type("list"), joined, empty());
    object
        .opt_select(field)
        .or_value(Expr::empty_list())
        .bind("items", joined)
        .bind("text", described)
}
