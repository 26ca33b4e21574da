//! The types of shared variables and of their elements.

use super::{
    definitions::Definitions,
    pod_paths::{FieldSteps, metadata_steps, spec_steps},
    types::StaticType,
};
use kubevet_ir::ContainerList;
use kubevet_model::Kind;
use std::sync::Arc;

impl Definitions<'_> {
    /// The type of the variable `podSpec`.
    pub(super) fn pod_spec_type(&self) -> StaticType {
        self.type_at(spec_steps)
    }

    /// The type of the variable `podMetadata`.
    pub(super) fn pod_metadata_type(&self) -> StaticType {
        self.type_at(metadata_steps)
    }

    /// The type of a field over all kinds; [`StaticType::Partial`] where it is absent in some
    /// objects.
    fn type_at(&self, path: impl Fn(&Kind) -> Option<FieldSteps>) -> StaticType {
        let mut always = true;
        let mut found: Option<StaticType> = None;
        for kind in self.target.kinds {
            let Some(steps) = path(kind) else {
                always = false;
                continue;
            };
            let mut static_type = self.types.object(kind);
            for step in steps {
                let field = static_type.field(self.types, step);
                always &= field
                    .as_ref()
                    .is_some_and(|field| field.always && !field.nullable);
                static_type = field.map_or(StaticType::Any, |field| field.static_type);
            }
            found = Some(match found {
                None => static_type,
                Some(before) => before.or(static_type),
            });
        }
        match found {
            None => StaticType::Any,
            // `map_at` gives no other value.
            Some(StaticType::Any) => StaticType::Map(Arc::new(StaticType::Any)),
            Some(static_type) if always => static_type,
            Some(static_type) => StaticType::Partial(Arc::new(static_type)),
        }
    }

    /// The type of the elements of a list of the pod spec: always maps.
    fn element_type(&self, list: &str) -> StaticType {
        let elements = self
            .pod_spec_type()
            .field(self.types, list)
            .map_or(StaticType::Any, |field| field.static_type.elements());
        if elements == StaticType::Any {
            StaticType::Map(Arc::new(StaticType::Any))
        } else {
            elements
        }
    }

    pub(super) fn container_type(&self, which: ContainerList) -> StaticType {
        let each = which.fields().iter().map(|list| self.element_type(list));
        each.reduce(StaticType::or).unwrap_or(StaticType::Any)
    }

    pub(super) fn volume_type(&self) -> StaticType {
        self.element_type("volumes")
    }
}
