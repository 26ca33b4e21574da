//! B7 and B8: spellings of images against lists of allowed and forbidden registries.

use crate::{
    attack_objects::{Review, container, merge, pod},
    attack_scale::share_machine,
    attacked_server::{ServerSetup, binding},
    b_objects::{ALLOWED, ANY, DENIED, check_all},
};
use serde_json::json;

fn image(name: &str) -> String {
    Review::create(&pod(&[merge(container("a"), &json!({"image": name}))])).to_json()
}

#[test]
fn b7_no_spelling_bypasses_the_allowed_registries() {
    let _machine = share_machine();
    let params = "validationActions: [Deny], params: {imageRepositoryAllowList: [registry.example.com, \
                  docker.io/library, quay.io/team], untrustedRegistries: [evil.io], publicRegistries: [docker.io]}";
    let mut server = ServerSetup::with(&[binding("reg", "[C-0001, C-0078]", params)]).start();
    let digest = "a".repeat(64);
    let (named, pinned) = (
        format!("registry.example.com@sha256:{digest}"),
        format!("quay.io/team/a:1@sha256:{digest}"),
    );
    let long = "a".repeat(5000);
    let cases = [
        ("registry.example.com/a:1", ALLOWED),
        ("nginx", DENIED),
        ("evil.io/a", DENIED),
        ("EVIL.io/a:1", DENIED),
        ("Evil.IO:443/a:1", DENIED),
        ("Docker.io/Library/nginx", DENIED),
        ("index.docker.io/library/nginx", DENIED),
        ("registry-1.docker.io/library/nginx", DENIED),
        ("registry.example.com.evil.io/a", DENIED),
        (&named, DENIED),
        ("registry.example.com:5000/a", DENIED),
        ("registry.example.com:latest", DENIED),
        ("quay.io/teamx/a", DENIED),
        ("quay.io/team", ANY),
        (&pinned, ALLOWED),
        ("quay.io/team/a@sha256:zz", ANY),
        ("user@registry.example.com/a", DENIED),
        ("https://registry.example.com/a", DENIED),
        ("registry.example.com /a", DENIED),
        (" registry.example.com/a", DENIED),
        ("registry.example.com\t/a", DENIED),
        ("registry\u{3002}example.com/a", DENIED),
        ("reg\u{456}stry.example.com/a", DENIED),
        ("", ANY),
        ("localhost/a", DENIED),
        ("[::1]:5000/a", DENIED),
        ("registry.example.com./a", DENIED),
        ("evil.io./a", DENIED),
        (&long, DENIED),
        // Not a valid reference, so no runtime accepts it (B7.122).
        ("quay.io/team/../other/a", ANY),
    ];
    check_all(
        &mut server,
        cases
            .iter()
            .map(|(name, right)| (*name, image(name), *right))
            .collect(),
    );
}

#[test]
fn b8_forbidden_registry_is_found_in_every_spelling() {
    let _machine = share_machine();
    let params = "validationActions: [Deny], params: {untrustedRegistries: [evil.io], publicRegistries: [docker.io]}";
    let mut server = ServerSetup::with(&[binding("forbid", "[C-0001]", params)]).start();
    let named = format!("evil.io@sha256:{}", "a".repeat(64));
    let cases = [
        ("evil.io/a", DENIED),
        ("EVIL.IO/a", DENIED),
        ("evil.io:443/a", DENIED),
        ("evil.io:5000/a", ANY),
        ("nginx", DENIED),
        ("library/nginx", DENIED),
        ("docker.io:443/library/nginx", DENIED),
        ("index.docker.io/library/nginx", DENIED),
        ("registry-1.docker.io/library/nginx", DENIED),
        (&named, DENIED),
        ("xevil.io/a", ALLOWED),
        ("sub.evil.io/a", ALLOWED),
    ];
    check_all(
        &mut server,
        cases
            .iter()
            .map(|(name, right)| (*name, image(name), *right))
            .collect(),
    );
}
