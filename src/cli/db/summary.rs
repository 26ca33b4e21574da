//! What a database was made from, for people and as JSON.

use super::db_flags::{age_text, time_text};
use kubevet_model::count;
use kubevet_vulnerability::{Database, DatabaseMetadata, DatabaseSource, RecordCounts};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Problems that are printed without `--verbose`.
const SHOWN_PROBLEMS: usize = 10;

/// Writes the sources with their records, and what is wrong with them.
pub(super) fn write_sources(metadata: &DatabaseMetadata, out: &mut dyn Write) -> io::Result<()> {
    for source in &metadata.sources {
        let built = source
            .built_seconds
            .map_or_else(|| "unknown".to_owned(), time_text);
        let checksum = if source.is_checksum_verified {
            "checksum of the publisher is right"
        } else {
            "no checksum of the publisher at hand"
        };
        writeln!(
            out,
            "{} {}: built {built}, {checksum}",
            source.kind.name(),
            source.name
        )?;
        writeln!(out, "  {}", records_text(&source.counts))?;
        if source.problem_count > 0 {
            writeln!(
                out,
                "  {}",
                count(to_usize(source.problem_count), "problem")
            )?;
        }
    }
    Ok(())
}

/// Writes problems, the first of them unless all are wanted.
pub(super) fn write_problems(
    metadata: &DatabaseMetadata,
    is_verbose: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let shown = if is_verbose {
        usize::MAX
    } else {
        SHOWN_PROBLEMS
    };
    for problem in metadata.problems.iter().take(shown) {
        writeln!(out, "problem: {}: {}", problem.place, problem.reason)?;
    }
    let shown = metadata.problems.len().min(shown) as u64;
    let more = metadata.problem_count.saturating_sub(shown);
    if more > 0 {
        writeln!(out, "… and {} more", count(to_usize(more), "problem"))?;
    }
    Ok(())
}

/// A database as JSON. `now_seconds` is what its age is taken at.
pub(super) fn database_json(database: &Database, now_seconds: i64) -> Value {
    let metadata = database.metadata();
    let built = metadata.built_seconds();
    json!({
        "digest": database.digest(),
        "bytes": database.file_bytes(),
        "imported": time_text(metadata.imported_seconds),
        "importer": metadata.importer,
        "built": built.map(time_text),
        "ageSeconds": built.map(|built| now_seconds.saturating_sub(built)),
        "records": records_json(&metadata.counts),
        "sources": metadata.sources.iter().map(source_json).collect::<Vec<_>>(),
        "providers": database.providers().iter().map(|provider| json!({
            "id": provider.id, "captured": provider.captured, "digest": provider.input_digest,
        })).collect::<Vec<_>>(),
        "problemCount": metadata.problem_count,
        "problems": metadata.problems.iter().map(|problem| json!({
            "place": problem.place, "reason": problem.reason,
        })).collect::<Vec<_>>(),
    })
}

/// The age of a database in a sentence.
pub(super) fn built_text(metadata: &DatabaseMetadata, now_seconds: i64) -> String {
    match metadata.built_seconds() {
        Some(built) => {
            let age = age_text(now_seconds.saturating_sub(built));
            format!("{}, {age} ago", time_text(built))
        }
        None => "unknown: a source does not say when it was made (see --taken)".to_owned(),
    }
}

/// The number of records of each kind that there is.
pub(super) fn records_text(counts: &RecordCounts) -> String {
    let kinds = [
        (counts.vulnerabilities, "vulnerabilities"),
        (counts.affected_packages, "affected packages"),
        (counts.unaffected_packages, "unaffected packages"),
        (counts.cpes, "records by CPE"),
        (counts.known_exploited, "known exploited"),
        (counts.epss, "EPSS scores"),
        (counts.cve_facts, "other facts about CVEs"),
    ];
    let there: Vec<String> = kinds
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    if there.is_empty() {
        "no records".to_owned()
    } else {
        there.join(", ")
    }
}

fn source_json(source: &DatabaseSource) -> Value {
    json!({
        "kind": source.kind.name(),
        "name": source.name,
        "digest": source.digest,
        "checksumVerified": source.is_checksum_verified,
        "built": source.built_seconds.map(time_text),
        "schema": source.schema,
        "records": records_json(&source.counts),
        "problemCount": source.problem_count,
    })
}

fn records_json(counts: &RecordCounts) -> Value {
    json!({
        "vulnerabilities": counts.vulnerabilities,
        "affectedPackages": counts.affected_packages,
        "unaffectedPackages": counts.unaffected_packages,
        "cpes": counts.cpes,
        "knownExploited": counts.known_exploited,
        "epss": counts.epss,
        "cveFacts": counts.cve_facts,
    })
}

fn to_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
