//! The variables that policies share: pod specs, containers, volumes, params. Their definitions depend on the kinds and
//! the params alone, so that sheets of other controls over the same kinds define them alike.

use super::{
    Refused,
    printer::{Side, kind_test},
    sheet::{ParamsFrom, Target, Variable},
    text::Cel,
    types::{Known, Types},
};
use kubevet_ir::ContainerList;
use kubevet_k8s::workload::pod_spec_path;
use kubevet_model::Kind;
use kubevet_policy::ParamValue;
use std::sync::Arc;

/// Names that no param's variable may have.
const OWN: &[&str] = &[
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

/// Variables in the order in which they need one another.
#[derive(Debug, Default)]
pub(super) struct Variables {
    pub(super) list: Vec<Variable>,
}

/// What a policy over some kinds can define.
pub(super) struct Definitions<'d> {
    pub(super) target: &'d Target<'d>,
    pub(super) types: &'d dyn Types,
    pub(super) side: Side,
}

impl Variables {
    fn define(&mut self, name: &str, expression: &Cel) {
        if !self.list.iter().any(|it| it.name == name) {
            self.list.push(Variable {
                name: name.to_owned(),
                expression: expression.show(),
            });
        }
    }

    fn has(&self, name: &str) -> bool {
        self.list.iter().any(|it| it.name == name)
    }
}

impl Definitions<'_> {
    fn name(&self, plain: &str) -> String {
        match self.side {
            Side::New => plain.to_owned(),
            Side::Old => {
                let mut letters = plain.chars();
                let first = letters.next().map(|it| it.to_ascii_uppercase());
                format!(
                    "old{}{}",
                    first.into_iter().collect::<String>(),
                    letters.as_str()
                )
            }
        }
    }

    fn object(&self) -> Cel {
        Cel::atom(if self.side == Side::New {
            "object"
        } else {
            "oldObject"
        })
    }

    fn kinds(&self) -> Vec<&Kind> {
        self.target.kinds.iter().collect()
    }

    /// The variable of that name; made where it is not there.
    fn variable(
        &self,
        variables: &mut Variables,
        plain: &str,
        make: impl FnOnce(&Self, &mut Variables) -> Result<Cel, Refused>,
    ) -> Result<Cel, Refused> {
        let name = self.name(plain);
        if !variables.has(&name) {
            let expression = make(self, variables)?;
            variables.define(&name, &expression);
        }
        Ok(Cel::atom(format!("variables.{name}")))
    }

    /// A place in the object that depends on its kind; `{}` for kinds that have none, and where it is absent.
    fn by_kind(&self, path: impl Fn(&Kind) -> Option<Vec<&'static str>>) -> Result<Cel, Refused> {
        let kinds = self.kinds();
        let mut paths: Vec<Option<Vec<&'static str>>> = Vec::new();
        for kind in &kinds {
            let path = path(kind);
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        // The path of most kinds comes last, where it needs no test.
        paths.sort_by_key(|it| {
            (
                it.is_none(),
                kinds.iter().filter(|kind| path(kind) == *it).count(),
            )
        });
        let mut expression: Option<Cel> = None;
        for wanted in paths.iter().rev() {
            let of: Vec<&Kind> = kinds
                .iter()
                .copied()
                .filter(|it| path(it) == *wanted)
                .collect();
            let here = match wanted {
                Some(steps) => self.steps(&of, steps),
                None => Cel::atom("{}"),
            };
            expression = Some(match expression {
                None => here,
                Some(rest) => Cel::choice(
                    kind_test(&kinds, &self.object(), |it| path(it) == *wanted)?,
                    here,
                    rest,
                ),
            });
        }
        Ok(expression.unwrap_or_else(|| Cel::atom("{}")))
    }

    fn steps(&self, of: &[&Kind], steps: &[&str]) -> Cel {
        let mut known = of
            .iter()
            .map(|it| self.types.object(it))
            .reduce(Known::or)
            .unwrap_or(Known::Any);
        let mut always = true;
        let mut text = self.object();
        for step in steps {
            let field = known.field(self.types, step);
            let sure = field.as_ref().is_some_and(|it| it.always && !it.nullable);
            // From the first step on that may be missing, all are asked for.
            text = if always && sure {
                text.then(&format!(".{step}"))
            } else {
                text.then(&format!(".?{step}"))
            };
            always &= sure;
            known = field.map_or(Known::Any, |it| it.known);
        }
        if always {
            text
        } else {
            text.then(".orValue({})")
        }
    }

    pub(super) fn pod_spec(&self, variables: &mut Variables) -> Result<Cel, Refused> {
        self.variable(variables, "podSpec", |it, _| {
            it.by_kind(|kind| pod_spec_path(kind).map(<[_]>::to_vec))
        })
    }

    pub(super) fn pod_metadata(&self, variables: &mut Variables) -> Result<Cel, Refused> {
        self.variable(variables, "podMetadata", |it, _| it.by_kind(metadata_path))
    }

    /// The list that a pod spec has under this name; empty where it has none.
    fn pod_list(&self, variables: &mut Variables, field: &str) -> Result<Cel, Refused> {
        let spec = self.pod_spec(variables)?;
        let of = self.pod_spec_type();
        let known = of.field(self.types, field);
        Ok(match known {
            Some(it) if !it.nullable && matches!(it.known, Known::List(_)) => {
                spec.then(&format!(".?{field}.orValue([])"))
            }
            // A list that Go writes even where there is none arrives as null.
            _ => spec.then(&format!(
                ".?{field}.optMap(l, type(l) == list ? l : []).orValue([])"
            )),
        })
    }

    /// What all pod specs are.
    pub(super) fn pod_spec_type(&self) -> Known {
        self.at(|kind| pod_spec_path(kind).map(<[_]>::to_vec))
    }

    pub(super) fn pod_metadata_type(&self) -> Known {
        self.at(metadata_path)
    }

    /// What stands there in all kinds; a part of it where it may be missing.
    fn at(&self, path: impl Fn(&Kind) -> Option<Vec<&'static str>>) -> Known {
        let mut sure = true;
        let mut found: Option<Known> = None;
        for kind in self.target.kinds {
            let Some(steps) = path(kind) else {
                sure = false;
                continue;
            };
            let mut known = self.types.object(kind);
            for step in steps {
                let field = known.field(self.types, step);
                sure &= field.as_ref().is_some_and(|it| it.always && !it.nullable);
                known = field.map_or(Known::Any, |it| it.known);
            }
            found = Some(match found {
                None => known,
                Some(before) => before.or(known),
            });
        }
        match found {
            None | Some(Known::Any) => Known::Any,
            Some(it) if sure => it,
            Some(it) => Known::Partial(Arc::new(it)),
        }
    }

    /// What the elements of a list of the pod spec are: maps always.
    fn element_type(&self, list: &str) -> Known {
        let known = self
            .pod_spec_type()
            .field(self.types, list)
            .map_or(Known::Any, |it| it.known.elements());
        if known == Known::Any {
            Known::Map(Arc::new(Known::Any))
        } else {
            known
        }
    }

    pub(super) fn container_type(&self, which: ContainerList) -> Known {
        let each = which.fields().iter().map(|it| self.element_type(it));
        each.reduce(Known::or).unwrap_or(Known::Any)
    }

    pub(super) fn volume_type(&self) -> Known {
        self.element_type("volumes")
    }

    fn ephemeral(&self, variables: &mut Variables) -> Result<Option<Cel>, Refused> {
        // Only a Pod itself has them: its pod spec is `spec`.
        let is_pod = kind_test(&self.kinds(), &self.object(), |it| {
            pod_spec_path(it) == Some(&["spec"])
        })?;
        if is_pod == Cel::Bool(false) {
            return Ok(None);
        }
        let list = self.pod_list(variables, "ephemeralContainers")?;
        Ok(Some(Cel::choice(is_pod, list, Cel::atom("[]"))))
    }

    fn sidecars(&self, variables: &mut Variables) -> Result<Cel, Refused> {
        let list = self.pod_list(variables, "initContainers")?;
        Ok(list.then(".filter(c, c.?restartPolicy.orValue('') == 'Always')"))
    }

    /// Containers, in the order of their lists.
    pub(super) fn containers(
        &self,
        variables: &mut Variables,
        which: ContainerList,
    ) -> Result<Cel, Refused> {
        self.variable(variables, plain(which), |it, variables| {
            let lists = it.lists(variables, which)?;
            Ok(Cel::sum(lists.into_iter().map(|(_, list)| list)))
        })
    }

    /// Containers, each as a map of the list that it is in (`list`) and itself (`spec`).
    pub(super) fn placed(
        &self,
        variables: &mut Variables,
        which: ContainerList,
    ) -> Result<Cel, Refused> {
        let name = match which {
            ContainerList::All => "placedContainers",
            ContainerList::Resource => "placedResourceContainers",
            ContainerList::Probe => "placedProbeContainers",
        };
        self.variable(variables, name, |it, variables| {
            let lists = it.lists(variables, which)?;
            Ok(Cel::sum(lists.into_iter().map(|(name, list)| {
                list.then(&format!(
                    ".map(c, {{'list': dyn('{name}'), 'spec': dyn(c)}})"
                ))
            })))
        })
    }

    fn lists(
        &self,
        variables: &mut Variables,
        which: ContainerList,
    ) -> Result<Vec<(&'static str, Cel)>, Refused> {
        let mut lists = vec![("containers", self.pod_list(variables, "containers")?)];
        let init = match which {
            ContainerList::Probe => self.sidecars(variables)?,
            _ => self.pod_list(variables, "initContainers")?,
        };
        lists.push(("initContainers", init));
        if which == ContainerList::All {
            lists.extend(
                self.ephemeral(variables)?
                    .map(|it| ("ephemeralContainers", it)),
            );
        }
        Ok(lists)
    }

    pub(super) fn volumes(&self, variables: &mut Variables) -> Result<Cel, Refused> {
        self.variable(variables, "volumes", |it, variables| {
            it.pod_list(variables, "volumes")
        })
    }

    /// The value of a param, where it has one.
    pub(super) fn param(&self, variables: &mut Variables, name: &str) -> Option<Cel> {
        match &self.target.params {
            ParamsFrom::Written(params) => params.get(name).map(literal),
            ParamsFrom::Resource(params) => {
                let fallback = literal(params.get(name)?);
                let plain = name
                    .chars()
                    .all(|it| it.is_ascii_alphanumeric() || it == '_');
                let step = if plain {
                    format!(".?{name}")
                } else {
                    format!("[?{}]", Cel::text(name).show())
                };
                let read = Cel::atom(format!(
                    "params.?settings{step}.orValue({})",
                    fallback.show()
                ));
                let sound = |it: char| if it.is_ascii_alphanumeric() { it } else { '_' };
                let mut variable: String = name.chars().map(sound).collect();
                if OWN.contains(&name) || !variable.starts_with(|it: char| it.is_ascii_alphabetic())
                {
                    variable.insert_str(0, "param_");
                }
                // The same for both objects.
                variables.define(&variable, &read);
                Some(Cel::atom(format!("variables.{variable}")))
            }
        }
    }
}

fn plain(which: ContainerList) -> &'static str {
    match which {
        ContainerList::All => "containers",
        ContainerList::Resource => "resourceContainers",
        ContainerList::Probe => "probeContainers",
    }
}

/// Where a kind keeps the metadata of its pods.
pub(super) fn metadata_path(kind: &Kind) -> Option<Vec<&'static str>> {
    let (_, template) = pod_spec_path(kind)?.split_last()?;
    Some(template.iter().copied().chain(["metadata"]).collect())
}

fn literal(value: &ParamValue) -> Cel {
    match value {
        ParamValue::List(items) => Cel::texts(items.iter().map(AsRef::as_ref)),
        ParamValue::String(text) => Cel::text(text),
    }
}
