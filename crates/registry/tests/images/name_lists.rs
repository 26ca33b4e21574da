//! Lists of tags and repositories, page by page.

use crate::{
    scripted_server::{ScriptedRequest, ScriptedServer, header_lines},
    test_registry::{TestRegistry, client, client_with, short_limits},
};
use kubevet_registry::{Keychain, RegistryLimits, RegistryName, Repository};

fn repository(server: &ScriptedServer) -> Repository {
    Repository::parse(&format!("{}/app", server.address())).unwrap()
}

fn page(tags: &[String]) -> String {
    serde_json::json!({"name": "app", "tags": tags}).to_string()
}

fn names(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| format!("t{number:05}")).collect()
}

#[tokio::test]
async fn tags_of_a_registry_are_listed() {
    let Some(registry) = TestRegistry::start("tags", &[]) else {
        return;
    };
    assert_eq!(client().tags(&registry.repository()).await.unwrap(), ["1"]);
    let repositories = client().repositories(&registry.name()).await.unwrap();
    assert_eq!(repositories, [registry.repository()]);
}

#[tokio::test]
async fn pages_are_followed_by_their_links() {
    let server = ScriptedServer::start(|request| match request.line.as_str() {
        "GET /v2/app/tags/list?n=1000" => (
            200,
            "Link: </v2/app/tags/list?last=b&n=2>; rel=\"next\"\r\n",
            page(&["a".into(), "b".into()]),
        ),
        "GET /v2/app/tags/list?last=b&n=2" => (
            200,
            "Link: <?last=c>; rel=\"next\"\r\n",
            page(&["c".into()]),
        ),
        _ => (200, "", page(&[])),
    });
    assert_eq!(
        client().tags(&repository(&server)).await.unwrap(),
        ["a", "b", "c"]
    );
}

#[tokio::test]
async fn full_page_without_a_link_is_not_taken_for_the_last() {
    let server = ScriptedServer::start(|request| {
        let after = request
            .line
            .split_once("last=t")
            .map_or(0, |(_, last)| last.parse::<usize>().unwrap() + 1);
        (200, "", page(&names(after..(after + 1000).min(2500))))
    });
    assert_eq!(
        client().tags(&repository(&server)).await.unwrap(),
        names(0..2500)
    );
}

#[tokio::test]
async fn registry_without_pages_is_read_once_more_at_most() {
    let server = ScriptedServer::start(|_| (200, "", page(&names(0..1500))));
    assert_eq!(
        client().tags(&repository(&server)).await.unwrap().len(),
        1500
    );
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn list_that_misbehaves_is_an_error() {
    type Script = fn(&ScriptedRequest) -> (u16, &'static str, String);
    let check = async |script: Script, part: &str| {
        let server = ScriptedServer::start(script);
        let limits = RegistryLimits {
            names: 10,
            pages: 3,
            ..short_limits()
        };
        let client = client_with(Keychain::anonymous(), limits);
        let error = client.tags(&repository(&server)).await.unwrap_err();
        assert_eq!(error.code(), "invalid-answer", "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert!(server.requests().len() < 6);
    };
    check(
        |_| (200, "Link: <?again>; rel=\"next\"\r\n", page(&["a".into()])),
        "repeat",
    )
    .await;
    check(
        |_| {
            (
                200,
                "Link: <http://127.0.0.1:1/>; rel=\"next\"\r\n",
                page(&[]),
            )
        },
        "another host",
    )
    .await;
    check(|_| (200, "", page(&names(0..11))), "more names").await;
    check(
        |request| {
            let number = request.line.len();
            (
                200,
                header_lines(format!("Link: <?{}>; rel=\"next\"\r\n", "x".repeat(number))),
                page(&[format!("t{number}")]),
            )
        },
        "more pages",
    )
    .await;
    check(|_| (200, "", page(&["../evil".into()])), "no tag").await;
    check(|_| (200, "", "<html>".to_owned()), "JSON").await;
}

#[tokio::test]
async fn catalog_with_a_name_that_leads_elsewhere_is_refused() {
    let server = ScriptedServer::start(|_| (200, "", r#"{"repositories":["a/../b"]}"#.to_owned()));
    let name = RegistryName::parse(&server.address()).unwrap();
    assert_eq!(
        client().repositories(&name).await.unwrap_err().code(),
        "invalid-answer"
    );
}

#[tokio::test]
async fn repository_without_tags_is_empty() {
    let server = ScriptedServer::start(|_| (200, "", r#"{"name":"app","tags":null}"#.to_owned()));
    assert!(
        client()
            .tags(&repository(&server))
            .await
            .unwrap()
            .is_empty()
    );
}
