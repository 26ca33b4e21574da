//! Which change moves a binding from Audit to Warn, and from Warn to Deny, where that denies nothing
//! that is there (pure).
//!
//! If all that the binding checks is clean, its own actions change. If some namespaces are, a second
//! binding is made for them: the same `spec` with the stronger action and the list of these namespaces.
//! The first one stays as it is, for all others.

use jiff::Timestamp;
use kubevet_model::Action;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The end of the name of the binding for clean namespaces.
const SUFFIX: &str = "-clean";
/// The most namespaces of a binding; its definition has the same.
const MAX_NAMESPACES: usize = 1_000;

/// A binding as it is in the cluster.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BindingState {
    /// The name.
    pub name: String,
    /// The generation of the `spec`.
    pub generation: i64,
    /// The `spec`.
    pub spec: Value,
    /// The `status`; null if there is none.
    pub status: Value,
}

/// How a promotion is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PromotionOptions {
    /// The action to move to; the next one without it.
    pub target: Option<Action>,
    /// The oldest counts that are believed.
    pub max_age: Duration,
    /// True if counts that are old or not complete are believed.
    pub force: bool,
}

/// A change of bindings.
#[derive(Debug, Clone, PartialEq)]
pub struct Promotion {
    /// The actions before; those of the binding for clean namespaces, if there is one.
    pub from: Vec<String>,
    /// The actions after.
    pub to: Vec<String>,
    /// What is changed.
    pub change: PromotionChange,
}

/// What is changed.
#[derive(Debug, Clone, PartialEq)]
pub enum PromotionChange {
    /// The actions of the binding itself: all that it checks is clean.
    Whole {
        /// The `spec` after.
        spec: Value,
    },
    /// The binding for clean namespaces is created or replaced.
    Part {
        /// Its name.
        name: String,
        /// Its `spec` after.
        spec: Value,
        /// The namespaces that it is for.
        namespaces: Vec<String>,
        /// The namespaces that it was for and is not any more: they are not clean.
        removed: Vec<String>,
        /// True if it is for objects outside namespaces, too.
        is_for_cluster_scoped: bool,
        /// True if there is no such binding yet.
        is_new: bool,
    },
}

/// Why a binding is not promoted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromotionRefusal {
    /// The gate does not accept it.
    #[error("{name} is not in force, and nothing of it is counted: {reason}")]
    NotInForce {
        /// The binding.
        name: String,
        /// What the gate says.
        reason: String,
    },
    /// Nobody has counted.
    #[error(
        "what {0} would deny is not known: `kubevet operator` counts it, once it has read all objects"
    )]
    NotCounted(String),
    /// The counts are of another form of the binding.
    #[error(
        "{0} has changed, and what it would deny now is not counted yet: try again in a moment"
    )]
    OtherGeneration(String),
    /// The counts are old.
    #[error(
        "what {name} would deny was counted {age} ago, which is too long: is an operator running that leads? --max-age or --force believe it"
    )]
    TooOld {
        /// The binding.
        name: String,
        /// The age.
        age: String,
    },
    /// Something was not counted.
    #[error("the counts of {name} are not complete, and --force believes them: {missing}")]
    NotComplete {
        /// The binding.
        name: String,
        /// What is missing.
        missing: String,
    },
    /// The binding has the action.
    #[error("{name} has the action {action} already: there is nothing to do")]
    NothingToDo {
        /// The binding.
        name: String,
        /// The action.
        action: &'static str,
    },
    /// No namespace is clean.
    #[error("{0} would deny objects in every namespace that has any: repair some first")]
    NothingClean(String),
}

impl BindingState {
    /// What it would deny, as it was counted; null if it was not.
    #[must_use]
    pub fn would_deny(&self) -> &Value {
        self.status.get("wouldDeny").unwrap_or(&Value::Null)
    }

    /// The number of requests that the gate has denied by the present form of the binding.
    #[must_use]
    pub fn denied_requests(&self) -> u64 {
        let reviews = self.status.get("reviews").unwrap_or(&Value::Null);
        let of = reviews.get("observedGeneration").and_then(Value::as_i64);
        if of == Some(self.generation) {
            number(reviews, "denied")
        } else {
            0
        }
    }

    /// Returns why the gate does not accept its present form; `None` if it does, or has not said.
    fn rejection(&self) -> Option<&str> {
        let conditions = list(&self.status, "conditions");
        let mut rejected = conditions.iter().filter(|condition| {
            let is = |key: &str, expected: &str| {
                condition.get(key).and_then(Value::as_str) == Some(expected)
            };
            let of = condition.get("observedGeneration").and_then(Value::as_i64);
            is("type", "Accepted") && is("status", "False") && of == Some(self.generation)
        });
        let message = rejected.next()?.get("message").and_then(Value::as_str);
        Some(message.unwrap_or("the gate does not say why"))
    }

    /// The names of its actions.
    #[must_use]
    pub fn actions(&self) -> Vec<String> {
        let actions = self.spec.get("validationActions").and_then(Value::as_array);
        match actions {
            Some(actions) => texts(actions),
            None => vec![Action::Warn.name().to_owned()],
        }
    }

    /// The strongest of its actions.
    fn strongest(&self) -> Action {
        let names = self.actions();
        let actions = Action::ALL.iter().copied();
        let of = actions.filter(|action| names.iter().any(|name| name == action.name()));
        of.max().unwrap_or(Action::Audit)
    }
}

/// Returns the name of the binding for the clean namespaces of another one.
#[must_use]
pub fn part_name(name: &str) -> String {
    format!("{name}{SUFFIX}")
}

/// Decides what is changed. `part` is the binding for the clean namespaces, if there is one.
///
/// # Errors
/// Why nothing is.
pub fn plan_promotion(
    binding: &BindingState,
    part: Option<&BindingState>,
    options: &PromotionOptions,
    now: SystemTime,
) -> Result<Promotion, PromotionRefusal> {
    let name = &binding.name;
    if let Some(reason) = binding.rejection() {
        return Err(PromotionRefusal::NotInForce {
            name: name.clone(),
            reason: reason.to_owned(),
        });
    }
    let counts = binding.would_deny();
    if !counts.is_object() {
        return Err(PromotionRefusal::NotCounted(name.clone()));
    }
    if !options.force {
        check_counts(binding, options, now)?;
    }
    let is_clean = number(counts, "denied") == 0 && number(counts, "notEvaluated") == 0;
    let part = part.filter(|part| part.name == part_name(name));
    let present = part.unwrap_or(binding);
    let current = present.strongest();
    let target = options.target.unwrap_or(match current {
        Action::Audit => Action::Warn,
        Action::Warn | Action::Deny => Action::Deny,
    });
    let to = actions_with(target, &binding.actions());
    let nothing_to_do = |action: Action| PromotionRefusal::NothingToDo {
        name: present.name.clone(),
        action: action.name(),
    };
    if is_clean {
        if binding.strongest() >= target {
            return Err(nothing_to_do(binding.strongest()));
        }
        let mut spec = binding.spec.clone();
        set(&mut spec, "validationActions", json!(to));
        return Ok(Promotion {
            from: binding.actions(),
            to,
            change: PromotionChange::Whole { spec },
        });
    }
    if binding.strongest() >= target {
        return Err(nothing_to_do(binding.strongest()));
    }
    let clean = list(counts, "cleanNamespaces");
    let mut namespaces = texts(clean);
    namespaces.sort();
    namespaces.truncate(MAX_NAMESPACES);
    if namespaces.is_empty() {
        return Err(PromotionRefusal::NothingClean(name.clone()));
    }
    let outside = counts.get("clusterScoped").unwrap_or(&Value::Null);
    let is_for_cluster_scoped =
        number(outside, "denied") == 0 && number(outside, "notEvaluated") == 0;
    let spec = part_spec(&binding.spec, &to, &namespaces, is_for_cluster_scoped);
    if part.is_some_and(|part| part.spec == spec || part.strongest() > target) {
        return Err(nothing_to_do(current));
    }
    let before = part.and_then(|part| part.spec.pointer("/matchResources/namespaces"));
    let before = before
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let kept: BTreeSet<&String> = namespaces.iter().collect();
    let mut removed = texts(before);
    removed.retain(|name| !kept.contains(name));
    Ok(Promotion {
        from: present.actions(),
        to,
        change: PromotionChange::Part {
            name: part_name(name),
            spec,
            namespaces,
            removed,
            is_for_cluster_scoped,
            is_new: part.is_none(),
        },
    })
}

/// Checks that the counts are of the present form of the binding, recent and complete.
fn check_counts(
    binding: &BindingState,
    options: &PromotionOptions,
    now: SystemTime,
) -> Result<(), PromotionRefusal> {
    let (name, counts) = (&binding.name, binding.would_deny());
    let generation = counts.get("observedGeneration").and_then(Value::as_i64);
    if generation != Some(binding.generation) {
        return Err(PromotionRefusal::OtherGeneration(name.clone()));
    }
    let age = age_of(counts, now);
    if age.is_none_or(|age| age > options.max_age) {
        return Err(PromotionRefusal::TooOld {
            name: name.clone(),
            age: age.map_or_else(
                || "an unknown time".to_owned(),
                |age| format!("{} s", age.as_secs()),
            ),
        });
    }
    let mut missing = texts(list(counts, "notRead"));
    let omitted = number(counts, "omittedNotRead");
    if omitted > 0 {
        missing.push(format!("{omitted} more"));
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(PromotionRefusal::NotComplete {
        name: name.clone(),
        missing: missing.join("; "),
    })
}

/// Returns the age of counts; `None` if it is not known. Clocks of machines differ: the future is now.
#[must_use]
pub fn age_of(counts: &Value, now: SystemTime) -> Option<Duration> {
    let time: Timestamp = counts.get("time")?.as_str()?.parse().ok()?;
    let time = UNIX_EPOCH + Duration::from_secs(u64::try_from(time.as_second()).ok()?);
    Some(now.duration_since(time).unwrap_or_default())
}

/// Returns the present time as it is written into a status.
#[must_use]
pub fn status_time(now: SystemTime) -> String {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or_default();
    Timestamp::from_second(seconds)
        .unwrap_or_default()
        .to_string()
}

/// Returns the actions with another strongest one. Audit stays beside it.
fn actions_with(target: Action, before: &[String]) -> Vec<String> {
    let mut actions = vec![target.name().to_owned()];
    let audit = Action::Audit.name();
    if target != Action::Audit && before.iter().any(|name| name == audit) {
        actions.push(audit.to_owned());
    }
    actions
}

fn part_spec(
    spec: &Value,
    actions: &[String],
    namespaces: &[String],
    is_for_cluster_scoped: bool,
) -> Value {
    let mut spec = spec.clone();
    set(&mut spec, "validationActions", json!(actions));
    let scope = spec.get("matchResources").cloned();
    let mut scope = scope.filter(Value::is_object).unwrap_or_else(|| json!({}));
    set(&mut scope, "namespaces", json!(namespaces));
    if !is_for_cluster_scoped {
        // A list of namespaces does not restrict objects outside namespaces.
        let mut rules = list(&scope, "excludeResourceRules").to_vec();
        rules.push(json!({
            "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"], "scope": "Cluster",
        }));
        set(&mut scope, "excludeResourceRules", rules.into());
    }
    set(&mut spec, "matchResources", scope);
    spec
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(key.to_owned(), value);
    }
}

fn number(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or_default()
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    let list = value.get(key).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

fn texts(values: &[Value]) -> Vec<String> {
    let texts = values.iter().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000;

    fn binding(actions: &[&str], would_deny: Value) -> BindingState {
        let time = status_time(UNIX_EPOCH + Duration::from_secs(NOW - 60));
        let mut counts = json!({"observedGeneration": 2, "time": time});
        if let (Some(counts), Some(more)) = (counts.as_object_mut(), would_deny.as_object()) {
            counts.extend(more.clone());
        }
        BindingState {
            name: "nsa".to_owned(),
            generation: 2,
            spec: json!({"frameworks": ["NSA"], "validationActions": actions}),
            status: json!({"wouldDeny": counts}),
        }
    }

    fn plan(
        binding: &BindingState,
        part: Option<&BindingState>,
        target: Option<Action>,
        force: bool,
    ) -> Result<Promotion, PromotionRefusal> {
        let options = PromotionOptions {
            target,
            max_age: Duration::from_secs(900),
            force,
        };
        plan_promotion(
            binding,
            part,
            &options,
            UNIX_EPOCH + Duration::from_secs(NOW),
        )
    }

    /// Describes a plan: the actions after, and the namespaces; `*` for all.
    fn described(promotion: &Promotion) -> String {
        let to = promotion.to.join("+");
        match &promotion.change {
            PromotionChange::Whole { .. } => format!("{to} *"),
            PromotionChange::Part {
                namespaces,
                removed,
                is_for_cluster_scoped,
                is_new,
                ..
            } => format!(
                "{} {to} {}{}{}",
                if *is_new { "new" } else { "replaced" },
                namespaces.join(","),
                if *is_for_cluster_scoped {
                    " +cluster"
                } else {
                    ""
                },
                removed
                    .iter()
                    .map(|name| format!(" -{name}"))
                    .collect::<String>(),
            ),
        }
    }

    #[track_caller]
    fn check(
        actions: &[&str],
        would_deny: Value,
        part: Option<(&[&str], &[&str])>,
        target: Option<Action>,
        expected: Result<&str, &str>,
    ) {
        let binding = binding(actions, would_deny);
        let part = part.map(|(actions, namespaces)| BindingState {
            name: "nsa-clean".to_owned(),
            spec: json!({
                "frameworks": ["NSA"],
                "validationActions": actions,
                "matchResources": {"namespaces": namespaces},
            }),
            ..BindingState::default()
        });
        let result = plan(&binding, part.as_ref(), target, false);
        let result = result.as_ref().map(described).map_err(ToString::to_string);
        match (&result, expected) {
            (Ok(plan), Ok(expected)) => assert_eq!(plan, expected),
            (Err(error), Err(expected)) => assert!(error.contains(expected), "{error}"),
            _ => panic!("{result:?}, not {expected:?}"),
        }
    }

    fn part_of<'a>(
        actions: &'a [&'a str],
        namespaces: &'a [&'a str],
    ) -> Option<(&'a [&'a str], &'a [&'a str])> {
        Some((actions, namespaces))
    }

    #[test]
    fn binding_is_promoted_where_it_denies_nothing() {
        let clean = || json!({"denied": 0, "notEvaluated": 0, "cleanNamespaces": ["web", "shop"]});
        let partly = || json!({"denied": 1, "cleanNamespaces": ["web", "shop"]});
        let (warn, deny) = (Some(Action::Warn), Some(Action::Deny));
        check(&["Audit"], clean(), None, None, Ok("Warn+Audit *"));
        check(&["Audit"], clean(), None, deny, Ok("Deny+Audit *"));
        check(&["Warn"], clean(), None, None, Ok("Deny *"));
        check(&["Warn", "Audit"], clean(), None, None, Ok("Deny+Audit *"));
        check(
            &["Deny"],
            clean(),
            None,
            None,
            Err("has the action Deny already"),
        );
        check(
            &["Warn"],
            clean(),
            None,
            warn,
            Err("has the action Warn already"),
        );
        check(
            &["Audit"],
            partly(),
            None,
            None,
            Ok("new Warn+Audit shop,web +cluster"),
        );
        check(
            &["Warn"],
            partly(),
            None,
            None,
            Ok("new Deny shop,web +cluster"),
        );
        check(
            &["Deny"],
            partly(),
            None,
            None,
            Err("has the action Deny already"),
        );
        check(
            &["Audit"],
            partly(),
            part_of(&["Warn", "Audit"], &["web", "old"]),
            None,
            Ok("replaced Deny+Audit shop,web +cluster -old"),
        );
        check(
            &["Audit"],
            partly(),
            part_of(&["Deny", "Audit"], &["web"]),
            None,
            Ok("replaced Deny+Audit shop,web +cluster"),
        );
        check(
            &["Audit"],
            partly(),
            part_of(&["Deny", "Audit"], &["shop", "web"]),
            None,
            Err("nsa-clean has the action Deny already"),
        );
        // Once all is clean, the binding itself follows.
        check(
            &["Audit"],
            clean(),
            part_of(&["Deny", "Audit"], &["web"]),
            None,
            Ok("Deny+Audit *"),
        );
        // An object that could not be evaluated is not clean.
        let unknown = json!({"denied": 0, "notEvaluated": 1, "cleanNamespaces": ["web"]});
        check(
            &["Audit"],
            unknown,
            None,
            None,
            Ok("new Warn+Audit web +cluster"),
        );
        let none = json!({"denied": 1, "cleanNamespaces": []});
        check(&["Audit"], none, None, None, Err("in every namespace"));
        let outside =
            json!({"denied": 1, "cleanNamespaces": ["web"], "clusterScoped": {"denied": 1}});
        check(&["Audit"], outside, None, None, Ok("new Warn+Audit web"));
    }

    #[test]
    fn counts_that_prove_nothing_are_refused_unless_forced() {
        let unread = json!({"denied": 0, "notRead": ["Role: not allowed"], "omittedNotRead": 2});
        let old = json!({"denied": 0, "time": "1970-01-01T00:01:00Z"});
        let undated = json!({"denied": 0, "time": null});
        let other = json!({"denied": 0, "observedGeneration": 1});
        for (counts, expected) in [
            (
                unread,
                "not complete, and --force believes them: Role: not allowed; 2 more",
            ),
            (old, "was counted 940 s ago"),
            (undated, "which is too long"),
            (other, "has changed"),
        ] {
            let binding = binding(&["Audit"], counts);
            let refusal = plan(&binding, None, None, false).unwrap_err().to_string();
            assert!(refusal.contains(expected), "{refusal}");
            let forced = plan(&binding, None, None, true);
            assert_eq!(
                forced.as_ref().map(described),
                Ok("Warn+Audit *".to_owned())
            );
        }
        let uncounted = BindingState::default();
        assert!(matches!(
            plan(&uncounted, None, None, true),
            Err(PromotionRefusal::NotCounted(_))
        ));
    }

    #[test]
    fn binding_that_is_not_in_force_is_refused_even_if_forced() {
        let clean = json!({"denied": 0, "notEvaluated": 0});
        for (status, generation, is_refused) in
            [("False", 2, true), ("False", 1, false), ("True", 2, false)]
        {
            let mut binding = binding(&["Audit"], clean.clone());
            binding.status["conditions"] = json!([{
                "type": "Accepted", "status": status, "observedGeneration": generation,
                "message": "there is no control \"C-1\"",
            }]);
            let planned = plan(&binding, None, None, true);
            let refusal = planned.as_ref().err().map(ToString::to_string);
            let is_named = refusal.is_some_and(|refusal| refusal.contains("no control \"C-1\""));
            assert_eq!(is_named, is_refused, "{status} {generation} {planned:?}");
        }
    }

    #[test]
    fn second_binding_is_the_first_one_for_some_namespaces() {
        let mut first = binding(
            &["Audit"],
            json!({"denied": 2, "cleanNamespaces": ["web"], "clusterScoped": {"denied": 1}}),
        );
        first.spec["matchResources"] = json!({"excludeNamespaces": ["kube-public"]});
        let promotion = plan(&first, None, Some(Action::Deny), false).unwrap();
        let PromotionChange::Part { spec, .. } = promotion.change else {
            panic!("it is not a part");
        };
        let expected = json!({
            "frameworks": ["NSA"],
            "validationActions": ["Deny", "Audit"],
            "matchResources": {
                "excludeNamespaces": ["kube-public"],
                "namespaces": ["web"],
                "excludeResourceRules": [{
                    "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"], "scope": "Cluster",
                }],
            },
        });
        assert_eq!(spec, expected);
    }

    #[test]
    fn denials_are_those_of_the_present_form() {
        let mut binding = binding(&["Deny"], json!({}));
        assert_eq!(binding.denied_requests(), 0);
        binding.status["reviews"] = json!({"observedGeneration": 2, "denied": 7});
        assert_eq!(binding.denied_requests(), 7);
        binding.generation = 3;
        assert_eq!(binding.denied_requests(), 0);
    }
}
