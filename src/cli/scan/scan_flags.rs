//! The flags of `kubevet scan` that files and clusters share: the report, the exit status, the
//! objects.

use crate::cli::{exit_status::ExitStatus, kubernetes_version, terminal};
use anyhow::Context as _;
use clap::{Args, builder::PossibleValuesParser, builder::TypedValueParser as _};
use kubevet_model::{Level, Scan, ScanStatus, Severity, Thresholds, names::is_dns_label};
use kubevet_report::{self as report, Style, View};
use kubevet_scan::ObjectFilter;
use kubevet_validation::{SchemaMode, SchemaOptions};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct ScanFlags {
    /// The report's format
    #[arg(short, long, global = true, default_value = "pretty", value_name = "FORMAT", help_heading = "Report",
        value_parser = PossibleValuesParser::new(report::FORMATS.iter().map(|format| format.name)))]
    pub(super) format: String,
    /// Write the report to a file instead of standard output
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Report"
    )]
    pub(super) output: Option<PathBuf>,
    /// What the report is ordered by
    #[arg(long, global = true, default_value = "resource", value_name = "VIEW", help_heading = "Report",
        value_parser = PossibleValuesParser::new(View::ALL.iter().map(|view| view.name())).map(|name| name.parse::<View>().unwrap_or_default()))]
    pub(super) view: View,
    /// Show every defect with its source lines and field path
    #[arg(short, long, global = true, help_heading = "Report")]
    pub(super) verbose: bool,
    /// Defects under this severity do not make the run fail: low, medium, high or critical
    #[arg(
        long,
        global = true,
        value_name = "SEVERITY",
        help_heading = "Exit status"
    )]
    pub(super) severity_threshold: Option<Severity>,
    /// Fail when a framework's compliance is under this percentage
    #[arg(long, global = true, value_name = "PERCENT", help_heading = "Exit status", value_parser = percent)]
    pub(super) compliance_threshold: Option<f64>,
    /// Fail when fewer than this percentage of a framework's controls can be evaluated: some are not
    /// in this version, or need facts that files do not have
    #[arg(long, global = true, value_name = "PERCENT", help_heading = "Exit status", value_parser = percent)]
    pub(super) fail_coverage_below: Option<f64>,
    /// Exit with 0 even if there are findings; errors still exit with 2
    #[arg(long, global = true, help_heading = "Exit status")]
    pub(super) exit_zero: bool,
    /// Only the requirements of this profile level, L1 or L2, of the frameworks that are named; L2
    /// extends L1
    #[arg(long, global = true, value_name = "LEVEL", help_heading = "Controls", value_parser = profile_level)]
    pub(super) level: Option<Level>,
    /// Parameters for controls, such as allowed registries: a map of names to lists, or Kubescape's
    /// inputs file
    #[arg(long, global = true, value_name = "FILE", help_heading = "Controls")]
    pub(super) controls_config: Option<PathBuf>,
    /// What to do about objects that Kubernetes would not store as they are written. warn: what a
    /// server refuses (wrong types, removed API versions) is a problem, a field that it drops is a
    /// finding of K-0003; strict: both are problems; off: neither is checked
    #[arg(long, global = true, default_value = "warn", value_name = "MODE", help_heading = "Schema",
        value_parser = PossibleValuesParser::new(SchemaMode::ALL.iter().map(|mode| mode.name())).map(|name| schema_mode(&name)))]
    pub(super) schema: SchemaMode,
    /// The version of Kubernetes that the objects are for, such as 1.33 (default: the newest known)
    #[arg(long, global = true, value_name = "VERSION", help_heading = "Schema", value_parser = kubernetes_version::parse_minor)]
    pub(super) kube_version: Option<u8>,
    /// The namespace that objects without one will be created in, as with kubectl apply -n
    #[arg(short, long, global = true, value_name = "NAME", help_heading = "Objects", value_parser = namespace_name)]
    pub(super) namespace: Option<String>,
    /// Only objects of these namespaces; objects without one belong to --namespace, or to `default`
    #[arg(
        long,
        global = true,
        value_name = "NAMES",
        value_delimiter = ',',
        help_heading = "Objects"
    )]
    pub(super) include_namespaces: Vec<String>,
    /// No objects of these namespaces
    #[arg(
        long,
        global = true,
        value_name = "NAMES",
        value_delimiter = ',',
        help_heading = "Objects"
    )]
    pub(super) exclude_namespaces: Vec<String>,
    /// Only objects of these kinds, such as Deployment or apps/Deployment
    #[arg(
        long,
        global = true,
        value_name = "KINDS",
        value_delimiter = ',',
        help_heading = "Objects"
    )]
    pub(super) include_kinds: Vec<String>,
    /// No objects of these kinds
    #[arg(
        long,
        global = true,
        value_name = "KINDS",
        value_delimiter = ',',
        help_heading = "Objects"
    )]
    pub(super) exclude_kinds: Vec<String>,
}

fn schema_mode(name: &str) -> SchemaMode {
    let mut modes = SchemaMode::ALL.iter().copied();
    modes.find(|mode| mode.name() == name).unwrap_or_default()
}

impl ScanFlags {
    /// Returns which objects are evaluated.
    pub(super) fn filter(&self) -> ObjectFilter {
        ObjectFilter {
            include_namespaces: self.include_namespaces.clone(),
            exclude_namespaces: self.exclude_namespaces.clone(),
            include_kinds: self.include_kinds.clone(),
            exclude_kinds: self.exclude_kinds.clone(),
        }
    }

    /// Writes the report of a scan. Returns the exit status.
    ///
    /// # Errors
    /// The report cannot be written.
    pub(super) fn report(&self, scan: &Scan) -> anyhow::Result<ExitStatus> {
        let format = report::format(&self.format).context("no such format")?;
        let output = self.output.as_deref();
        let style = Style {
            verbose: self.verbose,
            ..terminal::style(self.view, output.is_some())
        };
        terminal::write(output, |out| (format.write)(scan, &style, out))?;
        Ok(match scan.status {
            ScanStatus::Met => ExitStatus::Success,
            ScanStatus::NotMet => ExitStatus::Negative,
            ScanStatus::Incomplete => ExitStatus::Failure,
        })
    }

    /// Returns the thresholds that the scan must meet.
    pub(super) fn thresholds(&self, allow_partial: bool) -> Thresholds {
        Thresholds {
            severity: self.severity_threshold,
            compliance: self.compliance_threshold,
            coverage: self.fail_coverage_below,
            exit_zero: self.exit_zero,
            allow_partial,
        }
    }

    pub(super) fn schema_options(&self) -> SchemaOptions {
        let default = SchemaOptions::default();
        SchemaOptions {
            mode: self.schema,
            minor: self.kube_version.unwrap_or(default.minor),
        }
    }
}

fn percent(argument: &str) -> Result<f64, String> {
    match argument.trim_end_matches('%').parse::<f64>() {
        Ok(number) if (0.0..=100.0).contains(&number) => Ok(number),
        _ => Err("write a number from 0 to 100".to_owned()),
    }
}

fn profile_level(argument: &str) -> Result<Level, String> {
    argument
        .parse::<Level>()
        .map_err(|_| "write L1 or L2".to_owned())
}

pub(crate) fn namespace_name(argument: &str) -> Result<String, String> {
    if is_dns_label(argument) {
        Ok(argument.to_owned())
    } else {
        Err("write lower-case letters, digits and `-`, at most 63 characters".to_owned())
    }
}
