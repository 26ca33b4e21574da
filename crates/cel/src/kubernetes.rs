//! What the table of Kubernetes' types says, in the printer's words.

use super::types::{FieldOf, Known, Types};
use kubevet_k8s::schema::{Schema, Type};
use kubevet_model::Kind;
use std::sync::Arc;

/// The built-in kinds; of all others nothing is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kubernetes {
    pub(super) schema: &'static Schema,
    /// The oldest minor version that counts: what is newer may be absent.
    pub(super) min_kube: u8,
}

impl Kubernetes {
    fn known(&self, ty: Type, nulls: bool) -> Known {
        let inner = |it| {
            if nulls {
                Known::Any
            } else {
                self.known(self.schema.resolve(it), false)
            }
        };
        match ty {
            Type::String | Type::Quantity | Type::Time | Type::Bytes => Known::Text,
            Type::Bool => Known::Bool,
            Type::Int32 | Type::Int64 => Known::Int,
            Type::Number => Known::Number,
            Type::IntOrString => Known::IntOrText,
            Type::Any => Known::Any,
            Type::List(it) => Known::List(Arc::new(inner(it))),
            Type::Map(it) => Known::Map(Arc::new(inner(it))),
            Type::Struct(it) => Known::Struct(self.schema.name(it).into()),
        }
    }
}

impl Types for Kubernetes {
    fn object(&self, kind: &Kind) -> Known {
        match self.schema.kind(kind) {
            Some(info) => Known::Struct(self.schema.name(info.root).into()),
            None => Known::Any,
        }
    }

    fn field(&self, of: &str, name: &str) -> Option<FieldOf> {
        let field = self.schema.field(self.schema.named(of)?, name)?;
        let known = self.known(field.ty, field.keeps_null_items);
        // What an old server does not know is absent there.
        let everywhere = field.since.is_none_or(|it| it <= self.min_kube) && field.until.is_none();
        let nullable = field.nullable || known == Known::Any;
        Some(FieldOf {
            known,
            always: field.defaulted && everywhere,
            nullable,
        })
    }
}
