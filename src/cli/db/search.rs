//! `kubevet db search`: what the database has about a package or a vulnerability.

use super::{OutputFormat, db_flags::DbFlags};
use crate::cli::{exit_status::ExitStatus, stderr, terminal};
use clap::Args;
use kubevet_vulnerability::{
    CpeName, CpeRecord, Database, DatabaseError, FixState, OperatingSystem, PackageFacts,
    PackageQuery, PackageRecord, PackageScope, RecordKind, SeverityValue, VulnerabilityId,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Args)]
#[command(
    after_help = "A name is looked up as that of a vulnerability (with aliases), of a package, and of a product in a CPE
name, without regard to case.

Examples:
  kubevet db search CVE-2021-44228
  kubevet db search openssl --in 'debian 12'
  kubevet db search lodash --in npm -f json

Exit status:
  0  something is found
  1  nothing is found
  2  the database cannot be read"
)]
pub(super) struct SearchCommand {
    /// A CVE, GHSA or other id, or the name of a package
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    db: DbFlags,
    /// Only records of a release or ecosystem, such as 'debian 12', alpine or npm
    #[arg(long = "in", value_name = "SCOPE")]
    scope: Option<String>,
    /// The form of the output
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    format: OutputFormat,
}

/// A record that was found.
struct FoundRecord<'d> {
    scope: String,
    package: String,
    kind: RecordKind,
    facts: PackageFacts<'d>,
}

/// What was found, by vulnerability.
type Found<'d> = BTreeMap<VulnerabilityId, Vec<FoundRecord<'d>>>;

impl SearchCommand {
    pub(super) fn run(&self) -> anyhow::Result<ExitStatus> {
        let database = self.db.directory()?.open()?;
        let found = self.find(&database)?;
        let entries = found
            .iter()
            .map(|(id, records)| entry_json(&database, *id, records))
            .collect::<Result<Vec<Value>, DatabaseError>>()?;
        match self.format {
            OutputFormat::Json => terminal::write(None, |out| {
                writeln!(out, "{:#}", json!({"vulnerabilities": entries}))
            })?,
            OutputFormat::Pretty => terminal::write_escaped(|out| {
                entries.iter().try_for_each(|entry| {
                    entry_lines(entry)
                        .iter()
                        .try_for_each(|line| writeln!(out, "{line}"))
                })
            })?,
        }
        if entries.is_empty() {
            let scope = self.scope.as_ref().map(|scope| format!(" in {scope}"));
            let scope = scope.unwrap_or_default();
            stderr::print_line(&format!("nothing is known of {}{scope}", self.name));
        }
        Ok(ExitStatus::negative_if(entries.is_empty()))
    }

    fn find<'d>(&self, database: &'d Database) -> Result<Found<'d>, DatabaseError> {
        let mut found = Found::new();
        for id in database.vulnerabilities_named(&self.name, true)? {
            let (packages, cpes) = database.records_of(id)?;
            // A vulnerability that affects nothing is shown, too, unless one scope is asked for.
            if self.scope.is_none() {
                found.entry(id).or_default();
            }
            self.add(database, packages, cpes, &mut found);
        }
        for kind in [RecordKind::Affected, RecordKind::Unaffected] {
            let packages = database.package_records(&PackageQuery {
                name: &self.name,
                ecosystem: None,
                kind,
                scope: PackageScope::Any,
            })?;
            let product = CpeName {
                product: &self.name,
                ..CpeName::default()
            };
            self.add(
                database,
                packages,
                database.cpe_records(&product, kind)?,
                &mut found,
            );
        }
        Ok(found)
    }

    fn add<'d>(
        &self,
        database: &'d Database,
        packages: Vec<PackageRecord<'d>>,
        cpes: Vec<CpeRecord<'d>>,
        found: &mut Found<'d>,
    ) {
        for record in packages {
            let system = record
                .operating_system
                .and_then(|id| database.operating_system(id));
            let scope = system.map_or_else(|| record.ecosystem.to_owned(), OperatingSystem::title);
            if self.has_scope(&scope) {
                found
                    .entry(record.vulnerability)
                    .or_default()
                    .push(FoundRecord {
                        scope,
                        package: record.name.to_owned(),
                        kind: record.kind,
                        facts: record.facts,
                    });
            }
        }
        for record in cpes.into_iter().filter(|_| self.has_scope("cpe")) {
            let cpe = &record.cpe;
            found
                .entry(record.vulnerability)
                .or_default()
                .push(FoundRecord {
                    scope: "cpe".to_owned(),
                    package: format!("{}:{}:{}", cpe.part, cpe.vendor, cpe.product),
                    kind: record.kind,
                    facts: record.facts,
                });
        }
    }

    /// Whether a scope is the one that is asked for, or a release of it.
    fn has_scope(&self, scope: &str) -> bool {
        self.scope.as_ref().is_none_or(|wanted| {
            let start = scope.get(..wanted.len());
            let rest = scope.get(wanted.len()..);
            start.is_some_and(|start| start.eq_ignore_ascii_case(wanted))
                && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        })
    }
}

fn entry_json(
    database: &Database,
    id: VulnerabilityId,
    records: &[FoundRecord<'_>],
) -> Result<Value, DatabaseError> {
    let vulnerability = database.vulnerability(id)?;
    let details = database.details(id)?;
    let severity = vulnerability
        .severities
        .first()
        .map(|rating| match &rating.value {
            SeverityValue::Word(word) => (*word).to_owned(),
            SeverityValue::Cvss { vector, .. } => (*vector).to_owned(),
        });
    let names = std::iter::once(&vulnerability.name).chain(&vulnerability.aliases);
    let cves: BTreeSet<&str> = names
        .copied()
        .filter(|name| name.starts_with("CVE-"))
        .collect();
    let mut facts = Vec::new();
    for cve in cves {
        let known = database.cve_facts(cve)?;
        if known != Default::default() {
            facts.push(json!({
                "cve": cve,
                "knownExploited": known.known_exploited.first().map(|entry| entry.date_added),
                "epss": known.epss.first().map(|score| score.probability),
                "cwes": known.cwes.iter().map(|entry| entry.cwe).collect::<Vec<_>>(),
            }));
        }
    }
    Ok(json!({
        "name": vulnerability.name,
        "provider": vulnerability.provider,
        "status": format!("{:?}", vulnerability.status).to_ascii_lowercase(),
        "aliases": vulnerability.aliases,
        "severity": severity,
        "published": vulnerability.published,
        "description": details.description,
        "references": details.references.iter().map(|reference| &reference.url).collect::<Vec<_>>(),
        "cveFacts": facts,
        "records": records.iter().map(record_json).collect::<Vec<_>>(),
    }))
}

fn record_json(record: &FoundRecord<'_>) -> Value {
    let ranges = record.facts.ranges.iter();
    let ranges = ranges.map(|range| {
        let fix = range.fix.as_ref();
        json!({
            "format": range.format,
            "constraint": range.constraint,
            "fixedVersion": fix.map(|fix| fix.version).filter(|version| !version.is_empty()),
            "fixState": fix.map_or("unknown", |fix| match fix.state {
                FixState::Unknown => "unknown",
                FixState::Fixed => "fixed",
                FixState::NotFixed => "not-fixed",
                FixState::WontFix => "wont-fix",
                FixState::NotAffected => "not-affected",
            }),
        })
    });
    json!({
        "scope": record.scope,
        "package": record.package,
        "affected": record.kind == RecordKind::Affected,
        "ranges": ranges.collect::<Vec<_>>(),
    })
}

/// The lines of a vulnerability: its name, and one for each range.
fn entry_lines(entry: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut words = vec![
        text(&entry["name"]),
        format!("({})", text(&entry["provider"])),
    ];
    words.extend(entry["severity"].as_str().map(str::to_owned));
    if entry["status"] != "active" {
        words.push(text(&entry["status"]));
    }
    words.extend(
        list(&entry["aliases"])
            .iter()
            .map(|alias| format!("= {}", text(alias))),
    );
    for facts in &list(&entry["cveFacts"]) {
        let known = facts["knownExploited"].as_str();
        words.extend(known.map(|day| format!("exploited since {day}")));
        words.extend(
            facts["epss"]
                .as_f64()
                .map(|score| format!("EPSS {score:.4}")),
        );
    }
    let mut lines = vec![words.join(" ")];
    for record in &list(&entry["records"]) {
        let package = format!("{} {}", text(&record["scope"]), text(&record["package"]));
        let kind = if record["affected"] == true {
            ""
        } else {
            " is not affected"
        };
        let ranges = list(&record["ranges"]);
        if ranges.is_empty() {
            lines.push(format!("  {package}{kind}: every version"));
        }
        for range in &ranges {
            let constraint = match text(&range["constraint"]) {
                empty if empty.is_empty() => "every version".to_owned(),
                constraint => constraint,
            };
            let fix = match (range["fixState"].as_str(), range["fixedVersion"].as_str()) {
                (Some("fixed"), Some(version)) => format!(", fixed in {version}"),
                (Some("unknown") | None, _) => String::new(),
                (Some(state), _) => format!(", {state}"),
            };
            lines.push(format!("  {package}{kind}: {constraint}{fix}"));
        }
    }
    lines
}
