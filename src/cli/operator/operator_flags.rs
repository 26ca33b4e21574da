//! The flags of `kubevet operator`, and those of them that `kubevet serve --operator` has, too.

use super::{on_demand::ScanCommand, store_flags::StoreFlags};
use crate::cli::{
    cluster_access::ClusterAccessFlags,
    duration::parse_duration,
    manifests::ResultCrdsArgument,
    policy_flags::LibraryAndParamsFlags,
    program_log::LogFormat,
    scan::{SelectionFlags, namespace_name},
};
use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum, builder::PossibleValue};
use kubevet_cluster::RequestRate;
use kubevet_manifests::ResultCrds;
use kubevet_model::ResultKind;
use kubevet_operator::{ReadingOptions, Schedule};
use kubevet_scan::ObjectFilter;
use std::{collections::BTreeSet, net::SocketAddr, path::PathBuf, time::Duration};

/// What is asked of an operator that runs.
#[derive(Debug, Subcommand)]
pub(super) enum OperatorPart {
    /// Ask the operator of a cluster for a scan, and read its answer
    #[command(subcommand)]
    Scan(ScanCommand),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubevet operator --no-leader-election                 one replica, the cluster of the current context
  kubevet operator --framework NSA,MITRE                the controls of two frameworks
  kubevet operator --sweep-schedule '0 3 * * *' --time-zone Europe/Berlin
                                                        everything again each night, beside what changes
  kubevet operator --store /data/store.db --results kubescape,policy-reports
                                                        findings with history, and objects in the cluster
  kubevet operator --log-results - --no-leader-election each result as a line of JSON
  kubevet operator scan configurations --framework NSA --wait
                                                        ask a running operator for a scan

It evaluates every object at its start, when it changes, on the schedule, when library or params change, and at HUP.
It keeps no objects: memory grows by some 150 bytes for each.

What it reads: the kinds that a chosen control checks. `kubevet manifests operator-rbac` prints all rights that it needs.
A kind that may not be read is not evaluated, is tried again, and is named in the log and the metrics.

Replicas: one holds a Lease and writes results; the others read along, and take over within 20 s. They need the
rights get, create and update on leases of their namespace.

Signals: HUP reads library and params anew and sweeps; TERM writes what waits, gives up the Lease and ends.")]
pub(crate) struct OperatorCommand {
    #[command(subcommand)]
    pub(super) part: Option<OperatorPart>,
    #[command(flatten)]
    pub(super) library: LibraryAndParamsFlags,
    #[command(flatten)]
    pub(super) access: ClusterAccessFlags,
    #[command(flatten)]
    pub(super) operator: OperatorFlags,
    /// Where to serve /metrics, /livez and /readyz without TLS
    #[arg(long, value_name = "ADDR", help_heading = "Health")]
    pub(super) metrics_listen: Option<SocketAddr>,
    /// The form of the program's own log, on standard error
    #[arg(
        long,
        value_name = "FORM",
        default_value = "text",
        help_heading = "Logs"
    )]
    pub(super) log_format: LogFormat,
}

/// What an operator does, in a process of its own or in that of the gate.
#[derive(Debug, Args)]
pub(crate) struct OperatorFlags {
    #[command(flatten)]
    pub(super) choice: SelectionFlags,
    /// Only these namespaces, each read on its own: no right on the whole cluster is needed, and
    /// objects outside namespaces are left out
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        value_parser = namespace_name,
        help_heading = "Objects"
    )]
    namespaces: Vec<String>,
    /// No objects of these namespaces
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = namespace_name, help_heading = "Objects")]
    exclude_namespaces: Vec<String>,
    /// Only objects of these kinds, such as Deployment or apps/Deployment
    #[arg(
        long,
        value_name = "KINDS",
        value_delimiter = ',',
        help_heading = "Objects"
    )]
    include_kinds: Vec<String>,
    /// No objects of these kinds
    #[arg(
        long,
        value_name = "KINDS",
        value_delimiter = ',',
        help_heading = "Objects"
    )]
    exclude_kinds: Vec<String>,
    /// Read Secrets whole if a chosen control checks what they hold. Without it their metadata is
    /// read, if anything
    #[arg(long, help_heading = "Objects")]
    read_secrets: bool,
    /// When everything is read and evaluated again, beside what changes: five fields as in cron
    #[arg(
        long,
        value_name = "CRON",
        default_value = "0 */6 * * *",
        help_heading = "Sweeps"
    )]
    sweep_schedule: String,
    /// The time zone of the schedule
    #[arg(
        long,
        value_name = "ZONE",
        default_value = "UTC",
        help_heading = "Sweeps"
    )]
    time_zone: String,
    /// A sweep begins so much later at most; how much follows from the cluster, so that those of one
    /// owner do not begin together
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = parse_duration, help_heading = "Sweeps")]
    sweep_jitter: Duration,
    /// The most requests to the API server in a second, on average. It goes slower when the API
    /// server puts requests off
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 50,
        help_heading = "Cluster"
    )]
    request_rate: u32,
    /// The most requests at once
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 100,
        help_heading = "Cluster"
    )]
    request_burst: u32,
    /// The Lease that the leader holds
    #[arg(
        long,
        value_name = "NAME",
        default_value = "kubevet-operator",
        help_heading = "Replicas"
    )]
    pub(super) lease: String,
    /// The namespace of the Lease [default: that of the Pod, or of the context]
    #[arg(long, value_name = "NAME", value_parser = namespace_name, help_heading = "Replicas")]
    pub(super) lease_namespace: Option<String>,
    /// Write without a Lease: for a single replica that never runs beside another one
    #[arg(long, help_heading = "Replicas")]
    pub(super) no_leader_election: bool,
    #[command(flatten)]
    pub(super) store: StoreFlags,
    /// The kinds of objects that results are written as [default: none]
    #[arg(
        long,
        value_enum,
        value_name = "KINDS",
        value_delimiter = ',',
        help_heading = "Results"
    )]
    results: Vec<ResultsArgument>,
    /// Write a Kubernetes Event for each new critical finding, about its object
    #[arg(long, help_heading = "Results")]
    pub(super) events: bool,
    /// The name of the cluster in results [default: that of the context, or the URL]
    #[arg(long, value_name = "NAME", help_heading = "Results")]
    pub(super) cluster_name: Option<String>,
    /// Write each result as a line of JSON to this file; - is standard output
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    pub(super) log_results: Option<PathBuf>,
}

/// The flags of an operator, with the library that it has in common with the gate.
#[derive(Debug)]
pub(super) struct OperatorSettings {
    pub(super) flags: OperatorFlags,
    pub(super) library: LibraryAndParamsFlags,
}

/// A group of kinds, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResultsArgument {
    None,
    Some(ResultCrdsArgument),
}

impl ValueEnum for ResultsArgument {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::None,
            Self::Some(ResultCrdsArgument::Kubescape),
            Self::Some(ResultCrdsArgument::PolicyReports),
            Self::Some(ResultCrdsArgument::OpenReports),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::None => Some(PossibleValue::new("none").help("No objects")),
            Self::Some(group) => group.to_possible_value(),
        }
    }
}

impl OperatorFlags {
    /// Returns the kinds that results are written as.
    ///
    /// # Errors
    /// `none` stands beside others.
    pub(super) fn result_kinds(&self) -> anyhow::Result<Vec<ResultKind>> {
        let groups = self.results.iter().filter_map(|argument| match argument {
            ResultsArgument::None => None,
            ResultsArgument::Some(group) => Some(ResultCrds::from(*group)),
        });
        let groups: BTreeSet<ResultCrds> = groups.collect();
        if !groups.is_empty() && self.results.contains(&ResultsArgument::None) {
            bail!("--results: `none` excludes the others");
        }
        let kinds = groups.into_iter().flat_map(ResultCrds::kinds);
        Ok(kinds.copied().collect())
    }

    /// Returns when everything is read again.
    ///
    /// # Errors
    /// The schedule or the time zone cannot be used.
    pub(super) fn schedule(&self) -> anyhow::Result<Schedule> {
        Ok(Schedule::new(&self.sweep_schedule, &self.time_zone)?)
    }

    /// Returns the schedule for one cluster.
    pub(super) fn jittered(&self, schedule: Schedule, cluster_uid: &str) -> Schedule {
        schedule.with_jitter(cluster_uid, self.sweep_jitter)
    }

    pub(super) fn request_rate(&self) -> RequestRate {
        RequestRate {
            per_second: self.request_rate.into(),
            burst: self.request_burst.into(),
        }
    }

    /// Returns which objects are read for a request for some namespaces; none for all.
    ///
    /// # Errors
    /// The operator does not read one of them.
    pub(super) fn reading_of(
        &self,
        own_namespace: &str,
        namespaces: &[String],
    ) -> anyhow::Result<ReadingOptions> {
        let mut reading = self.reading(own_namespace);
        let is_left_out = |name: &&String| {
            let is_named = self.namespaces.is_empty() || self.namespaces.contains(name);
            !is_named || self.exclude_namespaces.contains(name)
        };
        if let Some(name) = namespaces.iter().find(is_left_out) {
            bail!(
                "the operator leaves out the namespace {name}, by --namespaces or --exclude-namespaces"
            );
        }
        if !namespaces.is_empty() {
            reading.namespaces = namespaces.to_vec();
        }
        Ok(reading)
    }

    /// Returns which objects are read.
    pub(super) fn reading(&self, own_namespace: &str) -> ReadingOptions {
        ReadingOptions {
            kinds: ObjectFilter {
                include_kinds: self.include_kinds.clone(),
                exclude_kinds: self.exclude_kinds.clone(),
                ..ObjectFilter::default()
            },
            namespaces: self.namespaces.clone(),
            excluded_namespaces: self.exclude_namespaces.clone(),
            own_namespace: own_namespace.to_owned(),
            label_selector: String::new(),
            read_secrets: self.read_secrets,
        }
    }
}
