//! Replays recorded reviews, and objects of a cluster, under other bindings.

use super::{
    REVIEW_TIMEOUT,
    namespaces::NamespaceLabels,
    requests::{Request, RequestFile},
};
use crate::cli::{exit_status::ExitStatus, stderr};
use kubevet_document::{Document, Node};
use kubevet_k8s::workload::{CONTROLLERS, Controller};
use kubevet_model::{Kind, Problem, ProblemCode, Replay};
use kubevet_source::DiscoveredFiles;
use kubevet_vap::EXEMPT_NAMESPACES;
use kubevet_webhook::{self as webhook, AnswerContext, ReplayedRequest, Replayer};
use std::{collections::BTreeSet, path::PathBuf, time::Instant};

/// The group, kind, namespace and name of an object.
type ObjectKey = (String, String, String, String);

/// Replays everything that `paths` name, a file at a time, in a fixed order.
pub(super) fn replay_paths(
    paths: &[PathBuf],
    mut replayer: Replayer<'_>,
    labels: &NamespaceLabels,
) -> Replay {
    let discovered = DiscoveredFiles::discover(paths);
    replayer.add_problems(discovered.problems);
    for skipped in &discovered.skipped {
        stderr::print_line(&format!("note: {}: {}", skipped.file, skipped.reason));
    }
    for path in &discovered.files {
        match RequestFile::read(path) {
            Ok(file) => replay_requests(file, &mut replayer, labels),
            Err(error) => replayer.add_problems([Problem::in_file(
                ProblemCode::InputUnreadable,
                "",
                format!("{error:#}"),
            )]),
        }
    }
    replayer.finish()
}

/// Replays the requests of a file.
pub(super) fn replay_file(
    file: RequestFile,
    mut replayer: Replayer<'_>,
    labels: &NamespaceLabels,
) -> Replay {
    replay_requests(file, &mut replayer, labels);
    replayer.finish()
}

fn replay_requests(file: RequestFile, replayer: &mut Replayer<'_>, labels: &NamespaceLabels) {
    let RequestFile {
        name,
        requests,
        problems,
        ..
    } = file;
    if requests.is_empty() && problems.is_empty() {
        let message = "holds no request and no object";
        let problem = Problem::in_file(ProblemCode::InputEmpty, name.as_str(), message);
        replayer.add_problems([problem]);
    }
    replayer.add_problems(problems);
    let objects = object_keys(&requests);
    for request in requests {
        let body = match request {
            Request::Review(body) => body,
            Request::Object(object) if is_exempt(&object) => {
                replayer.add_exempt();
                continue;
            }
            Request::Object(object) if object.id().api_version.is_empty() => {
                replayer.add_problems([without_version(&object)]);
                continue;
            }
            Request::Object(object) => creation(&object, &objects),
        };
        let request = ReplayedRequest {
            file: &name,
            body: &body,
        };
        let context = AnswerContext {
            deadline: Instant::now() + REVIEW_TIMEOUT,
            namespace_labels: &|name| labels.get(name),
        };
        replayer.add(request, &context);
    }
}

/// Returns the keys of the objects among the requests.
fn object_keys(requests: &[Request]) -> BTreeSet<ObjectKey> {
    let objects = requests.iter().filter_map(|request| match request {
        Request::Object(object) => Some(object.id()),
        Request::Review(_) => None,
    });
    objects
        .map(|id| {
            let Kind { group, name } = id.group_kind();
            (group, name, id.namespace, id.name)
        })
        .collect()
}

/// Returns the problem of a document that has a kind and is still not an object.
fn without_version(document: &Document) -> Problem {
    let message = "an object without apiVersion: add it, such as `apiVersion: v1`";
    let file = document.file().as_ref();
    Problem::at(
        ProblemCode::InputNotAnObject,
        file,
        document.position(),
        message,
    )
}

/// True if the webhook is never called for the namespace of an object, as it is installed.
fn is_exempt(object: &Document) -> bool {
    EXEMPT_NAMESPACES.contains(&object.id().namespace.as_str())
}

/// Returns the review of an object's creation. An object whose owner is among `objects` was created
/// by the controller of that owner.
fn creation(object: &Document, objects: &BTreeSet<ObjectKey>) -> Vec<u8> {
    match controller(object, objects) {
        Some(controller) => webhook::review_by_controller(object, controller.account),
        None => webhook::review_from_manifest(object),
    }
}

/// Returns the built-in controller that created an object for an owner among `objects`.
fn controller(object: &Document, objects: &BTreeSet<ObjectKey>) -> Option<&'static Controller> {
    let references = object.root().get("metadata")?.get("ownerReferences")?;
    let owner = references
        .elements()
        .find(|owner| owner.get("controller").and_then(Node::as_bool) == Some(true))?;
    let field = |key: &str| owner.get(key).and_then(Node::as_str).unwrap_or_default();
    let (group, kind) = (Kind::group_of(field("apiVersion")), field("kind"));
    let key = (
        group.to_owned(),
        kind.to_owned(),
        object.id().namespace,
        field("name").to_owned(),
    );
    CONTROLLERS
        .iter()
        .find(|controller| controller.group == group && controller.kind == kind)
        .filter(|_| objects.contains(&key))
}

/// Prints what could not be read or evaluated. Returns the exit status of a replay.
pub(super) fn exit_status(replay: &Replay) -> ExitStatus {
    stderr::print_problems(&replay.problems);
    for unevaluated in &replay.unevaluated {
        let control = unevaluated.control.as_ref();
        let control = control.map(|control| format!("{control}: "));
        stderr::print_line(&format!(
            "error: {}: not evaluated: {}{} (requests: {})",
            unevaluated.example_file,
            control.unwrap_or_default(),
            unevaluated.cause,
            unevaluated.requests,
        ));
    }
    if replay.is_complete() {
        ExitStatus::negative_if(replay.newly_denied.requests > 0)
    } else {
        ExitStatus::Failure
    }
}
