//! The definitions of shared variables: pod spec, containers, volumes, params.
//!
//! They depend on the kinds and the params alone, so that bundles of other controls over the same
//! kinds define them alike. Nothing here depends on a control.

use super::{
    expr::Expr,
    kind_test::kind_test,
    pod_paths::{FieldSteps, metadata_steps, spec_steps},
    target::{CelTarget, ObjectSide, ParamsFrom},
    types::{StaticType, TypeSource},
    unsupported::Unsupported,
    variables::{SharedVariables, is_numbered},
};
use kubevet_ir::ContainerList;
use kubevet_model::Kind;
use kubevet_policy::ParamValue;

/// The variable of a readable policy that is true where the object is too large to be searched.
pub(super) const TOO_LARGE: &str = "tooLarge";

/// The variables of a readable policy with the volumes or containers that several checks look at.
pub(super) const SUSPECT_VOLUMES: &str = "suspectVolumes";
pub(super) const SUSPECT_CONTAINERS: &str = "suspectContainers";

/// The variable of a readable policy with the texts of several lists of which it asks the same.
pub(super) const ENTRIES: &str = "entries";

/// Names that the variable of a param cannot have.
const SHARED_NAMES: &[&str] = &[
    ENTRIES,
    TOO_LARGE,
    SUSPECT_VOLUMES,
    SUSPECT_CONTAINERS,
    "podSpec",
    "podMetadata",
    "containers",
    "resourceContainers",
    "probeContainers",
    "placedContainers",
    "placedResourceContainers",
    "placedProbeContainers",
    "volumes",
    "oldPodSpec",
    "oldPodMetadata",
    "oldVolumes",
    "oldPlacedContainers",
    "oldPlacedResourceContainers",
    "oldPlacedProbeContainers",
];

/// Defines variables over one of the two objects, for all kinds of the target.
#[derive(Clone, Copy)]
pub(super) struct Definitions<'d> {
    pub(super) target: &'d CelTarget<'d>,
    pub(super) types: &'d dyn TypeSource,
    pub(super) side: ObjectSide,
}

impl Definitions<'_> {
    /// `object` or `oldObject`.
    pub(super) fn object(&self) -> Expr {
        Expr::ident(match self.side {
            ObjectSide::New => "object",
            ObjectSide::Old => "oldObject",
        })
    }

    /// The name of a variable over this object: `volumes` or `oldVolumes`.
    fn name(&self, base: &str) -> String {
        match self.side {
            ObjectSide::New => base.to_owned(),
            ObjectSide::Old => {
                let mut chars = base.chars();
                let first = chars.next().map(|letter| letter.to_ascii_uppercase());
                let first: String = first.into_iter().collect();
                format!("old{first}{}", chars.as_str())
            }
        }
    }

    fn kinds(&self) -> Vec<&Kind> {
        self.target.kinds.iter().collect()
    }

    /// The variable of that name, defined if it is not yet.
    fn variable(
        &self,
        variables: &mut SharedVariables,
        base: &str,
        define: impl FnOnce(&Self, &mut SharedVariables) -> Result<Expr, Unsupported>,
    ) -> Result<Expr, Unsupported> {
        let name = self.name(base);
        if !variables.has(&name) {
            // What it uses is defined before it.
            let expression = define(self, variables)?;
            variables.define(&name, expression);
        }
        Ok(Expr::variable(name))
    }

    pub(super) fn pod_spec(&self, variables: &mut SharedVariables) -> Result<Expr, Unsupported> {
        self.variable(variables, "podSpec", |definitions, _| {
            definitions.field_by_kind(spec_steps)
        })
    }

    pub(super) fn pod_metadata(
        &self,
        variables: &mut SharedVariables,
    ) -> Result<Expr, Unsupported> {
        self.variable(variables, "podMetadata", |definitions, _| {
            definitions.field_by_kind(metadata_steps)
        })
    }

    /// A map whose path depends on the kind; `{}` for kinds that have none, and where it is absent.
    fn field_by_kind(
        &self,
        path: impl Fn(&Kind) -> Option<FieldSteps>,
    ) -> Result<Expr, Unsupported> {
        let kinds = self.kinds();
        let mut paths: Vec<Option<FieldSteps>> = Vec::new();
        for kind in &kinds {
            let path = path(kind);
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        // The path of the most kinds comes last, where it needs no test of the kind.
        let kinds_with =
            |wanted: &Option<FieldSteps>| kinds.iter().filter(|kind| path(kind) == *wanted).count();
        paths.sort_by_key(|wanted| (kinds_with(wanted), wanted.is_none()));
        let mut expression: Option<Expr> = None;
        for wanted in paths.iter().rev() {
            let having: Vec<&Kind> = kinds
                .iter()
                .copied()
                .filter(|kind| path(kind) == *wanted)
                .collect();
            let here = match wanted {
                Some(steps) => self.map_at(&having, steps),
                None => Expr::empty_map(),
            };
            expression = Some(match expression {
                None => here,
                Some(otherwise) => {
                    let is = kind_test(&kinds, &self.object(), |kind| path(kind) == *wanted)?;
                    Expr::conditional(is, here, otherwise)
                }
            });
        }
        Ok(expression.unwrap_or_else(Expr::empty_map))
    }

    /// The map at a path of some kinds; `{}` where it is absent.
    fn map_at(&self, kinds: &[&Kind], steps: &[&str]) -> Expr {
        let mut static_type = kinds
            .iter()
            .map(|kind| self.types.object(kind))
            .reduce(StaticType::or)
            .unwrap_or(StaticType::Any);
        let mut always = true;
        let mut expr = self.object();
        for step in steps {
            let field = static_type.field(self.types, step);
            always &= field
                .as_ref()
                .is_some_and(|field| field.always && !field.nullable);
            // After the first optional field the whole path is an optional.
            expr = if always {
                expr.select(step)
            } else {
                expr.opt_select(step)
            };
            static_type = field.map_or(StaticType::Any, |field| field.static_type);
        }
        if always {
            return expr;
        }
        if static_type == StaticType::Any {
            let value = Expr::ident("m");
            let checked = Expr::conditional(value.clone().is_type("map"), value, Expr::empty_map());
            expr = expr.opt_map("m", checked);
        }
        expr.or_value(Expr::empty_map())
    }

    /// The list of that name in the pod spec; empty where it has none.
    fn pod_list(&self, variables: &mut SharedVariables, field: &str) -> Result<Expr, Unsupported> {
        let list = self.pod_spec(variables)?.opt_select(field);
        let known = self.pod_spec_type().field(self.types, field);
        let is_list = known.as_ref().is_some_and(|field| {
            !field.nullable && matches!(field.static_type, StaticType::List(_))
        });
        // Go writes some lists as null where they have no elements.
        let list = if is_list {
            list
        } else {
            let value = Expr::ident("l");
            let checked =
                Expr::conditional(value.clone().is_type("list"), value, Expr::empty_list());
            list.opt_map("l", checked)
        };
        let list = list.or_value(Expr::empty_list());
        let elements = known.map_or(StaticType::Any, |field| field.static_type.elements());
        Ok(if elements == StaticType::Any {
            let value = Expr::ident("e");
            let checked = Expr::conditional(value.clone().is_type("map"), value, Expr::empty_map());
            list.map("e", checked)
        } else {
            list
        })
    }

    /// Containers, in the order of their lists.
    pub(super) fn containers(
        &self,
        variables: &mut SharedVariables,
        which: ContainerList,
    ) -> Result<Expr, Unsupported> {
        let name = match which {
            ContainerList::All => "containers",
            ContainerList::Resource => "resourceContainers",
            ContainerList::Probe => "probeContainers",
        };
        self.variable(variables, name, |definitions, variables| {
            let lists = definitions.container_lists(variables, which)?;
            Ok(Expr::sum(lists.into_iter().map(|(_, list)| list)))
        })
    }

    /// Containers, each as a map of the name of its list and itself: `{'list': 'initContainers',
    /// 'spec': {…}}`.
    pub(super) fn containers_with_list_names(
        &self,
        variables: &mut SharedVariables,
        which: ContainerList,
    ) -> Result<Expr, Unsupported> {
        let name = match which {
            ContainerList::All => "placedContainers",
            ContainerList::Resource => "placedResourceContainers",
            ContainerList::Probe => "placedProbeContainers",
        };
        self.variable(variables, name, |definitions, variables| {
            let lists = definitions.container_lists(variables, which)?;
            Ok(Expr::sum(lists.into_iter().map(|(name, list)| {
                let entry = Expr::Map(vec![
                    (Expr::string("list"), Expr::string(name).dynamic()),
                    (Expr::string("spec"), Expr::ident("c").dynamic()),
                ]);
                list.map("c", entry)
            })))
        })
    }

    /// Lists of containers, each with its name.
    fn container_lists(
        &self,
        variables: &mut SharedVariables,
        which: ContainerList,
    ) -> Result<Vec<(&'static str, Expr)>, Unsupported> {
        let mut lists = vec![("containers", self.pod_list(variables, "containers")?)];
        let init = self.pod_list(variables, "initContainers")?;
        let init = match which {
            ContainerList::Probe => sidecars(init),
            ContainerList::All | ContainerList::Resource => init,
        };
        lists.push(("initContainers", init));
        if which == ContainerList::All {
            let ephemeral = self.ephemeral_containers(variables)?;
            lists.extend(ephemeral.map(|list| ("ephemeralContainers", list)));
        }
        Ok(lists)
    }

    /// The ephemeral containers; `None` where no kind has them.
    fn ephemeral_containers(
        &self,
        variables: &mut SharedVariables,
    ) -> Result<Option<Expr>, Unsupported> {
        // Only a Pod itself has them: its pod spec is `spec`.
        let is_pod = kind_test(&self.kinds(), &self.object(), |kind| {
            spec_steps(kind).is_some_and(|steps| steps == ["spec"])
        })?;
        if is_pod == Expr::Bool(false) {
            return Ok(None);
        }
        let list = self.pod_list(variables, "ephemeralContainers")?;
        Ok(Some(Expr::conditional(is_pod, list, Expr::empty_list())))
    }

    pub(super) fn volumes(&self, variables: &mut SharedVariables) -> Result<Expr, Unsupported> {
        self.variable(variables, "volumes", |definitions, variables| {
            definitions.pod_list(variables, "volumes")
        })
    }

    /// The value of a param, where it has one.
    pub(super) fn param(&self, variables: &mut SharedVariables, name: &str) -> Option<Expr> {
        let value = param_literal(self.target.params.value(name)?);
        if let ParamsFrom::Written(_) = self.target.params {
            return Some(value);
        }
        let value = match self.target.params {
            ParamsFrom::Resource(_) => Expr::ident("params")
                .opt_select("settings")
                .opt_select(name)
                .or_value(value),
            ParamsFrom::Written(_) | ParamsFrom::Variables(_) => value,
        };
        let mut variable: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        let starts_well = variable.starts_with(|first: char| first.is_ascii_alphabetic());
        if SHARED_NAMES.contains(&name) || is_numbered(name) || !starts_well {
            variable.insert_str(0, "param_");
        }
        // Both objects have the same params.
        variables.define(&variable, value);
        Some(Expr::variable(variable))
    }
}

/// Init containers that run beside the main ones.
fn sidecars(init_containers: Expr) -> Expr {
    let policy = Expr::ident("c")
        .opt_select("restartPolicy")
        .or_value(Expr::string(""));
    init_containers.filter("c", policy.equals(Expr::string("Always")))
}

fn param_literal(value: &ParamValue) -> Expr {
    match value {
        ParamValue::List(items) => Expr::strings(items.iter().map(AsRef::as_ref)),
        ParamValue::String(text) => Expr::string(text.as_str()),
    }
}
