//! The table of types, and the queries on it. It contains exactly what its text states.

use super::types::{Field, FieldType, KindInfo, PLAIN_TYPES, SchemaStep, Type, TypeId, TypeRef};
use kubevet_model::Kind;
use std::{
    ops::{Range, RangeInclusive},
    sync::LazyLock,
};

/// The types of all built-in kinds.
#[derive(Debug)]
pub struct Schema {
    pub(super) versions: RangeInclusive<u8>,
    /// The kinds, sorted by group, name and version.
    pub(super) kinds: Vec<KindInfo>,
    /// The structs, sorted by name.
    pub(super) types: Vec<Struct>,
    /// The fields of all structs; those of one struct are adjacent and sorted by name.
    pub(super) fields: Vec<Field>,
    /// The interned types of elements of lists and maps.
    pub(super) inner: Vec<Type>,
}

#[derive(Debug)]
pub(super) struct Struct {
    pub(super) name: &'static str,
    pub(super) fields: Range<usize>,
    pub(super) since: Option<u8>,
    pub(super) until: Option<u8>,
}

impl Schema {
    /// The table in this binary, parsed at the first call.
    #[must_use]
    pub fn embedded() -> &'static Self {
        // A test holds that it parses. If it did not, no kind would be known, which callers handle
        // anyway.
        static EMBEDDED: LazyLock<Schema> = LazyLock::new(|| {
            Schema::read(include_str!("kubernetes.txt")).unwrap_or_else(|_| Schema::empty())
        });
        &EMBEDDED
    }

    pub(super) fn empty() -> Self {
        Self {
            versions: 0..=0,
            kinds: Vec::new(),
            types: Vec::new(),
            fields: Vec::new(),
            inner: Vec::new(),
        }
    }

    /// The covered minor versions: 30 to 36 for 1.30 to 1.36.
    #[must_use]
    pub fn versions(&self) -> RangeInclusive<u8> {
        self.versions.clone()
    }

    /// All kinds in all their stable versions, sorted by group, name and version; a kind without a
    /// stable version in its newest beta.
    pub fn kinds(&self) -> impl Iterator<Item = KindInfo> {
        self.kinds.iter().copied()
    }

    /// A kind in its newest stable version, or its newest beta if none is stable; `None` if it is
    /// not built in.
    #[must_use]
    pub fn kind(&self, kind: &Kind) -> Option<KindInfo> {
        self.kinds()
            .filter(|info| info.group == kind.group && info.name == kind.name)
            .last()
    }

    /// The resource that serves a kind, such as `networkpolicies`. For a kind that is not built in,
    /// it is the plural by the rules of English.
    #[must_use]
    pub fn resource(&self, kind: &Kind) -> String {
        self.kind(kind)
            .map_or_else(|| kind.plural(), |info| info.plural.to_owned())
    }

    /// A kind in the version that an object's `apiVersion` names.
    #[must_use]
    pub fn kind_at(&self, kind: &Kind, version: &str) -> Option<KindInfo> {
        self.kinds().find(|info| {
            info.group == kind.group && info.name == kind.name && info.version == version
        })
    }

    /// The type of that name, such as `core.v1.Container`.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<TypeId> {
        let at = self
            .types
            .binary_search_by(|info| info.name.cmp(name))
            .ok()?;
        u16::try_from(at).ok().map(TypeId)
    }

    /// The name of a type, such as `core.v1.Container`.
    #[must_use]
    pub fn name(&self, of: TypeId) -> &'static str {
        self.types
            .get(usize::from(of.0))
            .map_or("", |info| info.name)
    }

    /// The fields of a type, sorted by name.
    pub fn fields(&self, of: TypeId) -> impl Iterator<Item = &Field> {
        self.fields_of(of).iter()
    }

    /// A field of a type.
    #[must_use]
    pub fn field(&self, of: TypeId, name: &str) -> Option<&Field> {
        let fields = self.fields_of(of);
        fields.get(fields.binary_search_by(|field| field.name.cmp(name)).ok()?)
    }

    /// True if any type has a field of that name; case is ignored.
    #[must_use]
    pub fn has_field_named(&self, name: &str) -> bool {
        let mut fields = self.fields.iter();
        fields.any(|field| field.name.eq_ignore_ascii_case(name))
    }

    fn fields_of(&self, of: TypeId) -> &[Field] {
        let range = self
            .types
            .get(usize::from(of.0))
            .map(|info| info.fields.clone());
        range
            .and_then(|range| self.fields.get(range))
            .unwrap_or_default()
    }

    /// The type of the elements of a list or map.
    #[must_use]
    pub fn resolve(&self, inner: TypeRef) -> Type {
        self.inner
            .get(usize::from(inner.0))
            .copied()
            .unwrap_or(Type::Any)
    }

    /// The type at a path, such as `spec.containers[]` from the root of a Pod; `None` if no object
    /// can have the path. Below any JSON is any JSON.
    #[must_use]
    pub fn walk(&self, from: TypeId, path: &[SchemaStep<'_>]) -> Option<FieldType> {
        let mut at = FieldType {
            ty: Type::Struct(from),
            nullable: false,
            since: None,
            until: None,
        };
        // True if a null inside the current list or map stays null.
        let mut keeps_null_items = false;
        for step in path {
            at = match (at.ty, step) {
                (Type::Struct(of), SchemaStep::Field(name)) => {
                    let field = self.field(of, name)?;
                    keeps_null_items = field.keeps_null_items;
                    FieldType {
                        ty: field.ty,
                        nullable: field.nullable,
                        since: at.since.max(field.since),
                        until: at.until.into_iter().chain(field.until).min(),
                    }
                }
                (Type::List(inner), SchemaStep::Any) | (Type::Map(inner), _) => {
                    let nullable = std::mem::take(&mut keeps_null_items);
                    FieldType {
                        ty: self.resolve(inner),
                        nullable,
                        ..at
                    }
                }
                (Type::Any, _) => FieldType {
                    nullable: true,
                    ..at
                },
                _ => return None,
            };
        }
        Some(at)
    }

    /// A type in the notation of the table, such as `[core.v1.Container]`.
    #[must_use]
    pub fn describe(&self, ty: Type) -> String {
        match ty {
            Type::List(inner) => format!("[{}]", self.describe(self.resolve(inner))),
            Type::Map(inner) => format!("{{{}}}", self.describe(self.resolve(inner))),
            Type::Struct(of) => self.name(of).to_owned(),
            plain => PLAIN_TYPES
                .iter()
                .find(|(_, ty)| *ty == plain)
                .map_or_else(String::new, |(name, _)| (*name).to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_table_parses() {
        let read = Schema::read(include_str!("kubernetes.txt"));
        assert!(
            read.as_ref().is_ok_and(|schema| !schema.kinds.is_empty()),
            "{:?}",
            read.err()
        );
    }

    /// Checks the type at a path of a kind, such as `spec.containers[].env`; `[]` is any element or
    /// value.
    #[track_caller]
    fn check(kind: &str, path: &str, expected: &str) {
        let schema = Schema::embedded();
        let (group, name) = kind.split_once('/').unwrap_or(("", kind));
        let root = schema.kind(&Kind::new(group, name)).unwrap().root;
        let path = path.replace("[]", ".[]");
        let steps: Vec<SchemaStep> = path
            .split('.')
            .map(|step| {
                if step == "[]" {
                    SchemaStep::Any
                } else {
                    SchemaStep::Field(step)
                }
            })
            .collect();
        let actual = schema
            .walk(root, &steps)
            .map_or("nothing".to_owned(), |field_type| {
                let mark = |set: bool, word: &str| {
                    if set {
                        format!(" {word}")
                    } else {
                        String::new()
                    }
                };
                let since = field_type
                    .since
                    .map_or(String::new(), |minor| format!(" @{minor}"));
                let until = field_type
                    .until
                    .map_or(String::new(), |minor| format!(" -{minor}"));
                schema.describe(field_type.ty)
                    + &mark(field_type.nullable, "nullable")
                    + &since
                    + &until
            });
        assert_eq!(actual, expected, "{kind} {path}");
    }

    #[test]
    fn path_resolves_to_a_type() {
        check("Pod", "spec", "core.v1.PodSpec");
        check("Pod", "spec.containers", "[core.v1.Container] nullable");
        check("Pod", "spec.containers[]", "core.v1.Container");
        check(
            "apps/Deployment",
            "spec.template.spec.containers[].securityContext.privileged",
            "bool",
        );
        check(
            "apps/Deployment",
            "spec.selector",
            "meta.v1.LabelSelector nullable",
        );
        check("Pod", "spec.containers[].resources.limits", "{quantity}");
        check(
            "Pod",
            "spec.containers[].resources.limits.memory",
            "quantity",
        );
        check("Pod", "spec.containers[].resources.limits[]", "quantity");
        check("Pod", "spec.containers[].ports[].hostPort", "int32");
        check(
            "Pod",
            "spec.containers[].livenessProbe.httpGet.port",
            "intOrString",
        );
        check("Pod", "metadata.labels", "{string}");
        check("Pod", "metadata.creationTimestamp", "time nullable");
        check("Secret", "data", "{bytes}");
        check("Secret", "data.key", "bytes nullable");
        check(
            "rbac.authorization.k8s.io/Role",
            "rules",
            "[rbac.v1.PolicyRule] nullable",
        );
        check(
            "rbac.authorization.k8s.io/Role",
            "rules[].verbs",
            "[string] nullable",
        );
        check(
            "rbac.authorization.k8s.io/Role",
            "rules[].verbs[]",
            "string",
        );
        check("apps/ControllerRevision", "data", "any nullable");
        check("apps/ControllerRevision", "data.spec.x[]", "any nullable");
        check(
            "autoscaling/HorizontalPodAutoscaler",
            "spec.metrics",
            "[autoscaling.v2.MetricSpec]",
        );
    }

    #[test]
    fn path_that_no_object_has_resolves_to_nothing() {
        check("Pod", "spec.container", "nothing");
        check("Pod", "spec.containers.name", "nothing");
        check("Pod", "spec[]", "nothing");
        check("Pod", "spec.nodeName.x", "nothing");
        check("Pod", "spec.nodeName[]", "nothing");
        check("ConfigMap", "spec", "nothing");
    }

    #[test]
    fn versions_are_those_of_the_whole_path() {
        check("Pod", "spec.hostUsers", "bool");
        check(
            "Pod",
            "spec.volumes[].image",
            "core.v1.ImageVolumeSource @31",
        );
        check("Pod", "spec.volumes[].image.reference", "string @31");
        check(
            "Pod",
            "spec.resourceClaims[].source.resourceClaimName",
            "string -30",
        );
        check(
            "Pod",
            "spec.containers[].restartPolicyRules[].exitCodes",
            "core.v1.ContainerRestartRuleOnExitCodes @34",
        );
    }

    #[test]
    fn field_has_its_merge_keys_and_enum_values() {
        let schema = Schema::embedded();
        let field = |of, name| schema.field(schema.named(of).unwrap(), name).unwrap();
        let ports: Vec<_> = field("core.v1.Container", "ports").keys().collect();
        assert_eq!(ports, ["containerPort", "protocol"]);
        let pull: Vec<_> = field("core.v1.Container", "imagePullPolicy")
            .values()
            .collect();
        assert_eq!(pull, ["Always", "IfNotPresent", "Never"]);
        assert_eq!(
            field("core.v1.HostPathVolumeSource", "type")
                .values()
                .next(),
            Some("")
        );
        let name = field("core.v1.Container", "name");
        assert!(
            name.required
                && name.defaulted
                && !name.nullable
                && name.keys().chain(name.values()).next().is_none()
        );
    }

    #[test]
    fn plural_by_english_rules_is_the_resource_of_every_built_in_kind() {
        let schema = Schema::embedded();
        for info in schema.kinds() {
            let kind = Kind::new(info.group, info.name);
            assert_eq!(kind.plural(), info.plural);
            assert_eq!(schema.resource(&kind), info.plural);
        }
        let custom = Kind::new("example.com", "Policy");
        assert_eq!(schema.resource(&custom), "policies");
    }

    #[test]
    fn kind_is_found_in_its_newest_version() {
        let schema = Schema::embedded();
        let hpa = Kind::new("autoscaling", "HorizontalPodAutoscaler");
        assert_eq!(schema.kind(&hpa).unwrap().version, "v2");
        assert_eq!(schema.kind_at(&hpa, "v1").unwrap().version, "v1");
        assert_eq!(schema.kind_at(&hpa, "v2beta2"), None);
        assert_eq!(schema.kind(&Kind::new("", "Deployment")), None);
        let role = schema
            .kind(&Kind::new("rbac.authorization.k8s.io", "ClusterRole"))
            .unwrap();
        assert_eq!(
            (role.plural, role.namespaced, schema.name(role.root)),
            ("clusterroles", false, "rbac.v1.ClusterRole")
        );
    }
}
