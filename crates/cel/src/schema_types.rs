//! The table of Kubernetes' types as [`TypeSource`].

use super::types::{StaticField, StaticType, TypeSource};
use kubevet_k8s::schema::{Schema, Type};
use kubevet_model::Kind;
use std::sync::Arc;

/// The types of the built-in kinds; of all other kinds nothing is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct KubernetesTypes {
    pub(super) schema: &'static Schema,
    /// The oldest minor version: a field that is newer may be absent.
    pub(super) min_kube: u8,
}

impl KubernetesTypes {
    /// `null_items` is true if the elements may be null.
    fn static_type(&self, ty: Type, null_items: bool) -> StaticType {
        let elements = |of| {
            Arc::new(if null_items {
                StaticType::Any
            } else {
                self.static_type(self.schema.resolve(of), false)
            })
        };
        match ty {
            Type::String | Type::Quantity | Type::Time | Type::Bytes => StaticType::String,
            Type::Bool => StaticType::Bool,
            Type::Int32 | Type::Int64 => StaticType::Int,
            Type::Number => StaticType::Number,
            Type::IntOrString => StaticType::IntOrString,
            Type::Any => StaticType::Any,
            Type::List(of) => StaticType::List(elements(of)),
            Type::Map(of) => StaticType::Map(elements(of)),
            Type::Struct(of) => StaticType::Struct(self.schema.name(of).into()),
        }
    }
}

impl TypeSource for KubernetesTypes {
    fn object(&self, kind: &Kind) -> StaticType {
        match self.schema.kind(kind) {
            Some(info) => StaticType::Struct(self.schema.name(info.root).into()),
            None => StaticType::Any,
        }
    }

    fn field(&self, of: &str, name: &str) -> Option<StaticField> {
        let field = self.schema.field(self.schema.named(of)?, name)?;
        let static_type = self.static_type(field.ty, field.keeps_null_items);
        // A server that does not know the field drops it.
        let everywhere =
            field.since.is_none_or(|minor| minor <= self.min_kube) && field.until.is_none();
        let nullable = field.nullable || static_type == StaticType::Any;
        Some(StaticField {
            static_type,
            always: field.defaulted && everywhere,
            nullable,
        })
    }
}

/// The types of the pods of custom kinds, as PodTemplates and Pods: what Kubernetes itself knows of any
/// object, and nothing of the pod.
#[derive(Debug, Clone, Copy)]
pub(super) struct CustomPodTypes(pub(super) KubernetesTypes);

/// The fields that [`CustomPodTypes`] takes from the built-in kind.
const KNOWN_FIELDS: [&str; 3] = ["apiVersion", "kind", "metadata"];

impl TypeSource for CustomPodTypes {
    fn object(&self, kind: &Kind) -> StaticType {
        StaticType::Struct(kind.name.as_str().into())
    }

    fn field(&self, of: &str, name: &str) -> Option<StaticField> {
        let (content, kind) = match of {
            "Pod" => ("spec", Kind::new("", "Pod")),
            "PodTemplate" => ("template", Kind::new("", "PodTemplate")),
            other => return self.0.field(other, name),
        };
        if name == content {
            return Some(StaticField {
                static_type: StaticType::Map(Arc::new(StaticType::Any)),
                always: true,
                nullable: false,
            });
        }
        let StaticType::Struct(root) = self.0.object(&kind) else {
            return None;
        };
        KNOWN_FIELDS
            .contains(&name)
            .then(|| self.0.field(&root, name))
            .flatten()
    }
}
