//! `lib.images`: the parts of an image reference, and whether it is in a registry or repository.

use super::operands::{bound, empty};
use crate::expr::Expr;

/// Registry and repository as written.
const UNTAGGED: &str = "^([^@/]*/)*[^@/:]*";
/// The host as written, with its slash.
const HOST: &str = "^([^@/]*[.:A-Z][^@/]*|localhost)/";
/// A reference with neither registry nor repository; only where there is no host.
const NAMELESS: &str = "^([:@]|$)";
/// One of Docker Hub's official images, in lower case: its repository has one step.
const OFFICIAL: &str = r"^((index\.)?docker\.io(:443)?/[^/@]*|[^:/@][^/@]*)(@|$)";
/// The other hosts of Docker Hub, and its own.
const HUB_HOST: &str = r"^(registry-1\.docker\.io|registry\.hub\.docker\.com|docker\.io)/";
/// The host of a place, with its slash.
const PLACE_HOST: &str = r"^([^/]*[.:][^/]*|localhost)/";

/// `lib.images.registry`.
pub(crate) fn registry(image: Expr) -> Expr {
    bound(image, "image", |image| {
        let host = || Expr::ident("host");
        let is_nameless = matches(image.clone(), NAMELESS);
        let registry = Expr::conditional(
            host().equals(Expr::string("index.docker.io/")),
            Expr::string("docker.io"),
            Expr::conditional(
                host().differs_from(empty()),
                replace(host(), "/", ""),
                Expr::conditional(is_nameless, empty(), Expr::string("docker.io")),
            ),
        );
        host_of(image).bind("host", registry)
    })
}

/// The host that an image is pulled from, with its slash, if the reference names one.
fn host_of(image: Expr) -> Expr {
    let host = find(image, HOST).method("lowerAscii", []);
    replace(host, ":443/", "/")
}

/// `lib.images.repository`.
pub(crate) fn repository(image: Expr) -> Expr {
    bound(image, "image", repository_of)
}

/// The repository of an operand that is cheap to repeat.
fn repository_of(image: Expr) -> Expr {
    let is_official = matches(image.clone().method("lowerAscii", []), OFFICIAL);
    let prefix = Expr::conditional(is_official, Expr::string("library/"), empty());
    let host_chars = Expr::call("size", find(image.clone(), HOST));
    let path = find(image, UNTAGGED).method("substring", [host_chars]);
    prefix.plus(path)
}

/// `lib.images.name`.
pub(crate) fn name(image: Expr) -> Expr {
    bound(image, "image", |image| {
        let host = || Expr::ident("host");
        let is_nameless = Expr::all([host().equals(empty()), matches(image.clone(), NAMELESS)]);
        let registry = Expr::conditional(
            host().is_in(Expr::strings(["", "index.docker.io/"])),
            Expr::string("docker.io/"),
            host(),
        );
        let full = registry.plus(repository_of(image.clone()));
        host_of(image).bind("host", Expr::conditional(is_nameless, empty(), full))
    })
}

/// `lib.images.tag`.
pub(crate) fn tag(image: Expr) -> Expr {
    let without_digest = image
        .method("split", [Expr::string("@")])
        .index(Expr::Int(0));
    let tag = without_digest.method("find", [Expr::string(":[^/]*$")]);
    replace_first(tag, ":")
}

/// `lib.images.digest`.
pub(crate) fn digest(image: Expr) -> Expr {
    let digest = image.method("find", [Expr::string("(?s)@.*")]);
    replace_first(digest, "@")
}

/// `lib.images.effective_tag`.
pub(crate) fn effective_tag(image: Expr) -> Expr {
    bound(image, "image", |image| {
        let spelled = || Expr::ident("tag");
        let is_effective = Expr::any([
            spelled().differs_from(empty()),
            image.clone().equals(empty()),
            image.clone().method("contains", [Expr::string("@")]),
        ]);
        let tag_or_latest = Expr::conditional(is_effective, spelled(), Expr::string("latest"));
        tag(image).bind("tag", tag_or_latest)
    })
}

/// `lib.images.within`: a condition. `place` is a registry or repository.
pub(crate) fn within(image: Expr, place: Expr) -> Expr {
    let image_is_within = |place: Expr| {
        let starts = |string: Expr| string.method("startsWith", [place.clone()]);
        let image = || Expr::ident("image");
        let host = || Expr::ident("host");
        let spelling = || Expr::ident("spelling");
        // A place at Docker Hub can be written without `library/`.
        let without_library =
            Expr::string("docker.io/").plus(spelling().method("substring", [Expr::Int(18)]));
        let at_hub = Expr::any([
            starts(spelling()),
            Expr::all([
                spelling().method("startsWith", [Expr::string("docker.io/library/")]),
                starts(without_library),
            ]),
        ]);
        // All hosts of Docker Hub are one.
        let at_hub = Expr::string("docker.io/")
            .plus(image().method("substring", [Expr::call("size", host())]))
            .bind_condition("spelling", at_hub);
        let at_hub = find(image(), HUB_HOST)
            .bind_condition("host", Expr::all([host().differs_from(empty()), at_hub]));
        Expr::all([
            image().differs_from(Expr::string("/")),
            Expr::any([starts(image()), at_hub]),
        ])
    };
    // Name and place end in a slash here, so that no place matches half a step.
    let bound_place = Expr::ident("place");
    let is_empty = bound_place.clone().is_in(Expr::strings(["", "/"]));
    let is_within = name(image)
        .plus(Expr::string("/"))
        .bind_condition("image", image_is_within(bound_place));
    canonical_place(place).bind_condition("place", Expr::all([is_empty.negated(), is_within]))
}

/// The canonical spelling of a place, with a slash at its end; the empty string where it is empty.
fn canonical_place(place: Expr) -> Expr {
    let place_name = || Expr::ident("place");
    let host = || Expr::ident("host");
    let hub_hosts = Expr::strings(["", "index.docker.io/", "index.docker.io:443/"]);
    let registry = Expr::conditional(
        host().is_in(hub_hosts),
        Expr::string("docker.io/"),
        replace(host(), ":443/", "/"),
    );
    let path = place_name().method("substring", [Expr::call("size", host())]);
    let spelled = find(place_name(), PLACE_HOST).bind("host", registry.plus(path));
    let is_empty = place_name().equals(Expr::string("/"));
    place
        .method("lowerAscii", [])
        .method("find", [Expr::string("(?s)^.*[^/]")])
        .plus(Expr::string("/"))
        .bind("place", Expr::conditional(is_empty, empty(), spelled))
}

fn find(string: Expr, pattern: &str) -> Expr {
    string.method("find", [Expr::pattern(pattern)])
}

fn matches(string: Expr, pattern: &str) -> Expr {
    string.method("matches", [Expr::pattern(pattern)])
}

fn replace(string: Expr, old: &str, new: &str) -> Expr {
    string.method("replace", [Expr::string(old), Expr::string(new)])
}

/// Without the first occurrence of a part.
fn replace_first(string: Expr, part: &str) -> Expr {
    string.method("replace", [Expr::string(part), empty(), Expr::Int(1)])
}
