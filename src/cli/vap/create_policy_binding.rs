//! `kubevet vap create-policy-binding`: as Kubescape spells it, a binding of one of the policies of `deploy-library`.
//!
//! What would be dead or take everything is refused here, since the API server takes it without a word.

use super::{deploy_library::library_export, export_flags::action};
use crate::cli::{complain, library_flags::LibraryFlags, terminal};
use anyhow::{Context as _, bail};
use clap::{ArgGroup, Args};
use kubevet_engine::Engine;
use kubevet_model::Action;
use kubevet_vap::{
    self as vap, Object, PolicyBinding, excused_name, policy_binding, policy_name, unjudged_name,
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

With the policy, its -excused and -unjudged companions are bound: they warn of what it lets pass.")]
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
    /// What is done about a finding: Deny, Warn, Audit; not Deny together with Warn
    #[arg(short, long, value_name = "ACTION", value_delimiter = ',', default_value = "Deny", value_parser = action)]
    action: Vec<Action>,
    /// Only these resources, of those that the policy looks at: GROUP/VERSION/RESOURCE, the core group empty
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
    /// Whatever would make the binding dead, or refused by the API server.
    pub(super) fn run(self) -> anyhow::Result<u8> {
        let (library, mut problems) = self.library.load();
        let (engine, faults) = Engine::compile(&library);
        problems.extend(faults);
        if !problems.is_empty() {
            return Ok(complain(&problems));
        }
        let export = library_export(&engine, &library);
        let policies: BTreeMap<&str, &Object> = export
            .objects
            .iter()
            .filter(|it| it.kind == "ValidatingAdmissionPolicy")
            .map(|it| (it.name.as_str(), it))
            .collect();
        let policy = match (&self.policy, &self.control) {
            (Some(policy), _) => policy.clone(),
            (None, Some(control)) => {
                let found = library.control(control).with_context(|| {
                    let hint = library.suggest_control(control);
                    format!(
                        "there is no control {control:?}{hint}: `kubevet list controls` shows all"
                    )
                })?;
                if let Some(why) = export
                    .left_out
                    .iter()
                    .find(|it| it.control == found.control.id)
                {
                    bail!("{} has no policy: it {}", found.control.id, why.words);
                }
                policy_name("", &found.control.id)
            }
            (None, None) => bail!("name a policy with -p or a control with -c"),
        };
        let object = policies.get(policy.as_str()).with_context(|| {
            format!("there is no policy {policy:?} in `kubevet vap deploy-library`: a binding of it would do nothing")
        })?;
        let actions = self.actions()?;
        let match_resources = self.match_resources(object)?;
        let told = BTreeSet::from([if actions == BTreeSet::from([Action::Audit]) {
            Action::Audit
        } else {
            Action::Warn
        }]);
        let mut objects = Vec::new();
        for (suffix, name, actions) in [
            ("", policy.clone(), &actions),
            ("-excused", excused_name(&policy), &told),
            ("-unjudged", unjudged_name(&policy), &told),
        ] {
            let Some(object) = policies.get(name.as_str()) else {
                continue;
            };
            let own = format!("{}{suffix}", self.name);
            check_name(&own)?;
            objects.push(Object::new(policy_binding(&PolicyBinding {
                name: &own,
                policy: &name,
                actions,
                match_resources: match_resources.clone(),
                params: self.params(object)?,
            })));
        }
        terminal::write(self.output.as_deref(), |out| {
            out.write_all(vap::stream(&objects).as_bytes())
        })?;
        Ok(0)
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
                "Deny and Warn together would say everything twice, and the API server takes no such binding"
            );
        }
        Ok(actions)
    }

    /// The params, exactly where the policy reads some.
    fn params(&self, policy: &Object) -> anyhow::Result<Option<&str>> {
        let reads = policy.body.pointer("/spec/paramKind").is_some();
        match (&self.parameter_reference, reads) {
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
            (Some(_), false) => {
                bail!(
                    "{} reads no params: leave -r out, or it would be ignored in silence",
                    policy.name
                )
            }
        }
    }

    fn match_resources(&self, policy: &Object) -> anyhow::Result<Option<Value>> {
        let mut scope = Map::new();
        let rules = self.rules(policy)?;
        if !rules.is_empty() {
            scope.insert("resourceRules".to_owned(), Value::Array(rules));
        }
        for name in &self.namespace {
            if name.contains('.') || name.len() > 63 {
                bail!("{name:?} is no name of a namespace");
            }
            check_name(name)?;
        }
        if !self.namespace.is_empty() {
            let names = json!({"key": "kubernetes.io/metadata.name", "operator": "In", "values": self.namespace});
            scope.insert(
                "namespaceSelector".to_owned(),
                json!({"matchExpressions": [names]}),
            );
        }
        let mut labels = BTreeMap::new();
        for label in &self.label {
            let (key, value) = label
                .split_once('=')
                .with_context(|| format!("{label:?} is no label: KEY=VALUE"))?;
            if key.is_empty() {
                bail!("{label:?} has no key: KEY=VALUE");
            }
            if labels
                .insert(key, value)
                .is_some_and(|before| before != value)
            {
                bail!("the label {key:?} cannot have two values: no object would have both");
            }
        }
        if !labels.is_empty() {
            scope.insert("objectSelector".to_owned(), json!({"matchLabels": labels}));
        }
        Ok((!scope.is_empty()).then_some(Value::Object(scope)))
    }

    /// The rules, each within one of the policy's: others would take nothing.
    fn rules(&self, policy: &Object) -> anyhow::Result<Vec<Value>> {
        let of_policy = policy
            .body
            .pointer("/spec/matchConstraints/resourceRules")
            .and_then(Value::as_array);
        let has = |rule: &Value, key: &str, word: &str| {
            rule[key]
                .as_array()
                .is_some_and(|it| it.iter().any(|it| it == word || it == "*"))
        };
        let mut rules = Vec::new();
        for text in &self.resource_rule {
            let parts: Vec<&str> = text.splitn(3, '/').collect();
            let [group, version, resource] = parts.as_slice() else {
                bail!(
                    "{text:?} is no resource rule: GROUP/VERSION/RESOURCE, such as apps/v1/deployments or /v1/pods"
                );
            };
            let within = of_policy.into_iter().flatten().find(|it| {
                has(it, "apiGroups", group)
                    && has(it, "apiVersions", version)
                    && has(it, "resources", resource)
            });
            let Some(within) = within else {
                bail!(
                    "{} does not look at {text}: the binding would take nothing",
                    policy.name
                );
            };
            rules.push(json!({
                "apiGroups": [group],
                "apiVersions": [version],
                "operations": within["operations"],
                "resources": [resource],
            }));
        }
        Ok(rules)
    }
}

fn check_name(name: &str) -> anyhow::Result<()> {
    let letter = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit();
    let label = |it: &str| {
        it.starts_with(letter) && it.ends_with(letter) && it.chars().all(|c| letter(c) || c == '-')
    };
    if name.len() > 253 || !name.split('.').all(label) {
        bail!(
            "{name:?} is no name of an object: small letters, digits, - and . inside, at most 253"
        );
    }
    Ok(())
}
