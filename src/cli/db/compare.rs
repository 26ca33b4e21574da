//! `kubevet db diff`: what differs between two databases.

use super::OutputFormat;
use crate::cli::{exit_status::ExitStatus, terminal};
use clap::Args;
use kubevet_vulnerability::{
    Database, DatabaseDirectory, DatabaseError, RecordChange, RecordChangeKind, compare_databases,
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Changes that are printed without `--verbose`.
const SHOWN: usize = 50;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubevet db diff old/ new/ | tail -1        how many records differ
  kubevet db diff old/ new/ --verbose        all of them

Exit status:
  0  no record differs
  1  a record differs
  2  a database cannot be read")]
pub(super) struct DiffCommand {
    /// The folder or file of the old database
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The folder or file of the new database
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Print every record that differs
    #[arg(short, long)]
    verbose: bool,
    /// The form of the output. JSON has every record
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    format: OutputFormat,
}

impl DiffCommand {
    pub(super) fn run(&self) -> anyhow::Result<ExitStatus> {
        let (old, new) = (open(&self.old)?, open(&self.new)?);
        let has_all = self.verbose || self.format == OutputFormat::Json;
        let mut shown = Vec::new();
        let mut counts = [0_u64; 3];
        compare_databases(&old, &new, |change| {
            if let Some(count) = counts.get_mut(change.kind as usize) {
                *count += 1;
            }
            if has_all || shown.len() < SHOWN {
                shown.push(change);
            }
        })?;
        let [added, removed, changed] = counts;
        let total = added + removed + changed;
        match self.format {
            OutputFormat::Json => {
                let changes: Vec<Value> = shown.iter().map(change_json).collect();
                let json = json!({
                    "added": added, "removed": removed, "changed": changed, "records": changes,
                });
                terminal::write(None, |out| writeln!(out, "{json:#}"))?;
            }
            OutputFormat::Pretty => terminal::write_escaped(|out| {
                for change in &shown {
                    let RecordChange {
                        kind,
                        vulnerability,
                        provider,
                        package,
                    } = change;
                    let kind = name(*kind);
                    writeln!(out, "{kind:<8} {vulnerability} ({provider}) {package}")?;
                }
                if total > shown.len() as u64 {
                    writeln!(
                        out,
                        "… and {} more: see --verbose",
                        total - shown.len() as u64
                    )?;
                }
                writeln!(
                    out,
                    "{added} records added, {removed} removed, {changed} changed"
                )
            })?,
        }
        Ok(ExitStatus::negative_if(total > 0))
    }
}

fn open(path: &Path) -> Result<Database, DatabaseError> {
    if path.is_file() {
        Database::open(path)
    } else {
        DatabaseDirectory::new(path).open()
    }
}

fn name(kind: RecordChangeKind) -> &'static str {
    match kind {
        RecordChangeKind::Added => "added",
        RecordChangeKind::Removed => "removed",
        RecordChangeKind::Changed => "changed",
    }
}

fn change_json(change: &RecordChange) -> Value {
    json!({
        "kind": name(change.kind),
        "vulnerability": change.vulnerability,
        "provider": change.provider,
        "package": change.package,
    })
}
