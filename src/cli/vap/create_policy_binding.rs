//! `kubevet vap create-policy-binding`: a binding of one of the policies of `deploy-library`. The
//! name of the command is Kubescape's.
//!
//! A binding that would match nothing or everything by mistake is rejected here, since the API
//! server accepts it without a warning.

use super::{deploy_library::export_library, export_flags::action};
use crate::cli::{
    exit_status::ExitStatus, library_flags::LibraryFlags, session::Session, terminal,
};
use anyhow::{Context as _, bail};
use clap::{ArgGroup, Args};
use kubevet_model::{
    Action,
    names::{MAX_DNS_LABEL_CHARS, is_dns_subdomain},
};
use kubevet_policy::Library;
use kubevet_vap::{
    self as vap, Export, ExportedObject, PolicyBinding, exempt_policy_name, library_policy_name,
    policy_binding, skipped_policy_name,
};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("bound").required(true), after_help = "Examples:
  kubevet vap create-policy-binding -n deny-privileged -c C-0057 | kubectl apply -f -
  kubevet vap create-policy-binding -n caps -c C-0046 -r basic-control-configuration --namespace shop -a Warn -a Audit

With the policy, its -excused and -unjudged companions are bound: they warn about what it lets pass.")]
pub(super) struct CreatePolicyBindingCommand {
    /// The name of the binding
    #[arg(short, long, value_name = "NAME")]
    name: String,
    /// A policy of `deploy-library`, such as kubevet-c-0057
    #[arg(short, long, value_name = "POLICY", group = "bound")]
    policy: Option<String>,
    /// The control whose policy is bound, such as C-0057
    #[arg(short, long, value_name = "CONTROL", group = "bound")]
    control: Option<String>,
    /// Only these namespaces
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    namespace: Vec<String>,
    /// Only objects with these labels: KEY=VALUE
    #[arg(long, value_name = "LABELS", value_delimiter = ',')]
    label: Vec<String>,
    /// What happens to a finding: Deny, Warn, Audit; not Deny together with Warn
    #[arg(short, long, value_name = "ACTION", value_delimiter = ',', default_value = "Deny", value_parser = action)]
    action: Vec<Action>,
    /// Only these resources, of those to which the policy applies: GROUP/VERSION/RESOURCE, the core
    /// group empty
    #[arg(long, value_name = "RULES", value_delimiter = ',')]
    resource_rule: Vec<String>,
    /// The ControlConfiguration that the policy reads its params from
    #[arg(short = 'r', long, value_name = "NAME")]
    parameter_reference: Option<String>,
    /// Write into this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    library: LibraryFlags,
}

impl CreatePolicyBindingCommand {
    /// Prints the binding.
    ///
    /// # Errors
    /// The binding would match nothing, or the API server would reject it.
    pub(super) fn run(self) -> anyhow::Result<ExitStatus> {
        let Some(session) = Session::open(&self.library).require_valid() else {
            return Ok(ExitStatus::Failure);
        };
        let export = export_library(&session);
        let policy_name = self.policy_name(&session.library, &export)?;
        let objects = self.bindings(&policy_name, &export)?;
        terminal::write(self.output.as_deref(), |out| {
            out.write_all(vap::to_multi_doc(&objects, "").as_bytes())
        })?;
        Ok(ExitStatus::Success)
    }

    /// Returns the name of the policy to bind.
    fn policy_name(&self, library: &Library, export: &Export) -> anyhow::Result<String> {
        if let Some(name) = &self.policy {
            return Ok(name.clone());
        }
        let Some(control) = &self.control else {
            bail!("name a policy with -p or a control with -c");
        };
        let source = library.control(control).with_context(|| {
            let hint = library.suggest_control(control);
            format!("there is no control {control:?}{hint}: `kubevet list controls` shows all")
        })?;
        let id = &source.control.id;
        let mut skipped = export.skipped.iter();
        if let Some(skipped) = skipped.find(|skipped| skipped.control == *id) {
            bail!("{id} has no policy: it {}", skipped.message);
        }
        Ok(library_policy_name(id))
    }

    /// Returns the bindings of a policy and of its companions, which warn of what it lets pass.
    fn bindings(&self, policy: &str, export: &Export) -> anyhow::Result<Vec<ExportedObject>> {
        let policies: BTreeMap<&str, &ExportedObject> = export
            .objects
            .iter()
            .filter(|object| object.kind == "ValidatingAdmissionPolicy")
            .map(|object| (object.name.as_str(), object))
            .collect();
        let object = policies.get(policy).with_context(|| {
            format!("there is no policy {policy:?} in `kubevet vap deploy-library`: a binding of it would do nothing")
        })?;
        let actions = self.actions()?;
        let match_resources = self.match_resources(object)?;
        let advisory_action = if actions == BTreeSet::from([Action::Audit]) {
            Action::Audit
        } else {
            Action::Warn
        };
        let advisory_actions = BTreeSet::from([advisory_action]);
        let mut objects = Vec::new();
        for (suffix, policy, actions) in [
            ("", policy.to_owned(), &actions),
            ("-excused", exempt_policy_name(policy), &advisory_actions),
            ("-unjudged", skipped_policy_name(policy), &advisory_actions),
        ] {
            let Some(object) = policies.get(policy.as_str()) else {
                continue;
            };
            let name = format!("{}{suffix}", self.name);
            check_name(&name)?;
            objects.push(ExportedObject::new(policy_binding(&PolicyBinding {
                name: &name,
                policy: &policy,
                actions,
                match_resources: match_resources.clone(),
                params: self.params(object)?,
            })));
        }
        Ok(objects)
    }

    fn actions(&self) -> anyhow::Result<BTreeSet<Action>> {
        let mut actions = BTreeSet::new();
        for action in &self.action {
            if !actions.insert(*action) {
                bail!("{action} is named twice");
            }
        }
        if actions.contains(&Action::Deny) && actions.contains(&Action::Warn) {
            bail!(
                "Deny already reports the finding, and the API server refuses both in one binding: drop Warn"
            );
        }
        Ok(actions)
    }

    /// Returns the name of the params, which is required exactly if the policy reads some.
    fn params(&self, policy: &ExportedObject) -> anyhow::Result<Option<&str>> {
        let reads_params = policy.body.pointer("/spec/paramKind").is_some();
        match (&self.parameter_reference, reads_params) {
            (Some(name), true) => {
                check_name(name)?;
                Ok(Some(name))
            }
            (None, false) => Ok(None),
            (None, true) => bail!(
                "{} reads params: name its ControlConfiguration with -r, such as -r {}",
                policy.name,
                vap::CONFIGURATION
            ),
            (Some(_), false) => bail!(
                "{} reads no params: leave -r out, or it would be ignored in silence",
                policy.name
            ),
        }
    }

    /// Returns the `matchResources` of the binding; `None` if it matches everything that the policy
    /// does.
    fn match_resources(&self, policy: &ExportedObject) -> anyhow::Result<Option<Value>> {
        let mut match_resources = Map::new();
        let rules = self.resource_rules(policy)?;
        if !rules.is_empty() {
            match_resources.insert("resourceRules".to_owned(), Value::Array(rules));
        }
        if let Some(selector) = self.namespace_selector()? {
            match_resources.insert("namespaceSelector".to_owned(), selector);
        }
        if let Some(selector) = self.object_selector()? {
            match_resources.insert("objectSelector".to_owned(), selector);
        }
        Ok((!match_resources.is_empty()).then_some(Value::Object(match_resources)))
    }

    fn namespace_selector(&self) -> anyhow::Result<Option<Value>> {
        for name in &self.namespace {
            if name.contains('.') || name.len() > MAX_DNS_LABEL_CHARS {
                bail!("{name:?} is not a valid name of a namespace");
            }
            check_name(name)?;
        }
        if self.namespace.is_empty() {
            return Ok(None);
        }
        let expression = json!({
            "key": "kubernetes.io/metadata.name",
            "operator": "In",
            "values": self.namespace,
        });
        Ok(Some(json!({"matchExpressions": [expression]})))
    }

    fn object_selector(&self) -> anyhow::Result<Option<Value>> {
        let mut labels = BTreeMap::new();
        for label in &self.label {
            let (key, value) = label
                .split_once('=')
                .with_context(|| format!("{label:?} is not a valid label: KEY=VALUE"))?;
            if key.is_empty() {
                bail!("{label:?} has no key: KEY=VALUE");
            }
            let previous = labels.insert(key, value);
            if previous.is_some_and(|previous| previous != value) {
                bail!("the label {key:?} cannot have two values: no object would have both");
            }
        }
        if labels.is_empty() {
            return Ok(None);
        }
        Ok(Some(json!({"matchLabels": labels})))
    }

    /// Returns the resource rules. Each is within a rule of the policy; any other would match nothing.
    fn resource_rules(&self, policy: &ExportedObject) -> anyhow::Result<Vec<Value>> {
        let policy_rules = policy
            .body
            .pointer("/spec/matchConstraints/resourceRules")
            .and_then(Value::as_array);
        let mut rules = Vec::new();
        for argument in &self.resource_rule {
            let parts: Vec<&str> = argument.splitn(3, '/').collect();
            let [group, version, resource] = parts.as_slice() else {
                bail!(
                    "{argument:?} is not a valid resource rule: GROUP/VERSION/RESOURCE, such as apps/v1/deployments or /v1/pods"
                );
            };
            let mut policy_rules = policy_rules.into_iter().flatten();
            let policy_rule = policy_rules.find(|rule| {
                includes(rule, "apiGroups", group)
                    && includes(rule, "apiVersions", version)
                    && includes(rule, "resources", resource)
            });
            let Some(policy_rule) = policy_rule else {
                bail!(
                    "{} does not apply to {argument}: the binding would match nothing",
                    policy.name
                );
            };
            rules.push(json!({
                "apiGroups": [group],
                "apiVersions": [version],
                "operations": policy_rule["operations"],
                "resources": [resource],
            }));
        }
        Ok(rules)
    }
}

/// True if a list of a rule contains the value, or `*`.
fn includes(rule: &Value, key: &str, value: &str) -> bool {
    rule[key].as_array().is_some_and(|list| {
        list.iter()
            .any(|element| element == value || element == "*")
    })
}

/// Checks that the name of an object is a DNS subdomain.
fn check_name(name: &str) -> anyhow::Result<()> {
    if !is_dns_subdomain(name) {
        bail!(
            "{name:?} is not a valid object name: lower-case letters, digits, - and . inside, at most 253"
        );
    }
    Ok(())
}
