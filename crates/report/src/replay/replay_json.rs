//! A replay as JSON. The structs of this file are the public format.

use crate::json;
use kubevet_model::{DenialGroup, Problem, Replay, UnevaluatedRequests};
use serde::Serialize;
use std::io;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReplayDocument<'a> {
    api_version: &'static str,
    kind: &'static str,
    summary: SummaryEntry,
    denials: Vec<DenialEntry<'a>>,
    unevaluated: Vec<UnevaluatedEntry<'a>>,
    problems: Vec<ProblemEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SummaryEntry {
    requests: usize,
    objects: usize,
    checked: usize,
    newly_denied_requests: usize,
    newly_denied_objects: usize,
    newly_denied_to_controllers: usize,
    denied_before: usize,
    skipped_owned: usize,
    skipped_exempt: usize,
    is_complete: bool,
}

#[derive(Serialize)]
struct DenialEntry<'a> {
    namespace: &'a str,
    control: &'a str,
    title: &'a str,
    severity: &'static str,
    user: Option<&'a str>,
    requests: usize,
    objects: usize,
    example: ExampleEntry<'a>,
}

#[derive(Serialize)]
struct ExampleEntry<'a> {
    kind: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UnevaluatedEntry<'a> {
    control: Option<&'a str>,
    cause: &'a str,
    requests: usize,
    example_file: &'a str,
}

#[derive(Serialize)]
struct ProblemEntry<'a> {
    code: &'static str,
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    message: &'a str,
}

/// Writes the document.
pub(super) fn write(replay: &Replay, out: &mut dyn io::Write) -> io::Result<()> {
    let document = ReplayDocument {
        api_version: json::API_VERSION,
        kind: "ReviewReplay",
        summary: SummaryEntry {
            requests: replay.requests,
            objects: replay.objects,
            checked: replay.checked,
            newly_denied_requests: replay.newly_denied.requests,
            newly_denied_objects: replay.newly_denied.objects,
            newly_denied_to_controllers: replay.newly_denied_to_controllers,
            denied_before: replay.denied_before,
            skipped_owned: replay.owned,
            skipped_exempt: replay.exempt,
            is_complete: replay.is_complete(),
        },
        denials: replay.denials.iter().map(denial).collect(),
        unevaluated: replay.unevaluated.iter().map(unevaluated).collect(),
        problems: replay.problems.iter().map(problem).collect(),
    };
    json::write_document(&document, out)
}

fn denial(group: &DenialGroup) -> DenialEntry<'_> {
    DenialEntry {
        namespace: &group.namespace,
        control: group.control.as_str(),
        title: &group.title,
        severity: group.severity.name(),
        user: group.user.as_deref(),
        requests: group.counts.requests,
        objects: group.counts.objects,
        example: ExampleEntry {
            kind: &group.example_kind,
            name: &group.example_name,
        },
    }
}

fn unevaluated(requests: &UnevaluatedRequests) -> UnevaluatedEntry<'_> {
    UnevaluatedEntry {
        control: requests.control.as_ref().map(|control| control.as_str()),
        cause: &requests.cause,
        requests: requests.requests,
        example_file: &requests.example_file,
    }
}

fn problem(problem: &Problem) -> ProblemEntry<'_> {
    ProblemEntry {
        code: problem.code.number(),
        file: &problem.file,
        line: problem.position.map(|position| position.line),
        column: problem.position.map(|position| position.column),
        message: &problem.message,
    }
}
