//! Parts of image references. Several controls ask for parts of one image, so the reference that was
//! parsed last is kept: each image is parsed once.

use super::{
    evaluator::Evaluator,
    observer::ConditionObserver,
    value::{StaticStr, Value},
};
use kubevet_ir::intrinsics::image::{ImageRef, RepositoryPattern};
use std::{borrow::Cow, ptr};

impl<'e, O: ConditionObserver> Evaluator<'e, O> {
    /// Returns a part of an image reference; the parts of a value that is no string are empty.
    pub(super) fn image_part(
        &mut self,
        image: Value,
        part: for<'t> fn(ImageRef<'t>) -> Cow<'t, str>,
    ) -> Value {
        if let Some(string) = self.borrowed_string(image) {
            let part = part(self.image_ref(string));
            self.part_of(image, string, part)
        } else if self.string(image).is_some() {
            self.map_string(image, |image| Some(part(ImageRef::parse(image))))
        } else {
            Value::Static(StaticStr::Empty)
        }
    }

    /// Decides `lib.images.within`; false if one of the two is no string.
    pub(super) fn is_image_within(&mut self, image: Value, pattern: Value) -> bool {
        let reference = self
            .borrowed_string(image)
            .map(|string| self.image_ref(string));
        let (Some(image), Some(pattern)) = (self.string(image), self.string(pattern)) else {
            return false;
        };
        let reference = reference.unwrap_or_else(|| ImageRef::parse(image));
        let (holds, len) = (
            reference.within(RepositoryPattern::parse(pattern)),
            image.len(),
        );
        self.charge(len as u64 / 16);
        holds
    }

    fn image_ref(&mut self, image: &'e str) -> ImageRef<'e> {
        match self.parsed_image {
            Some((parsed, reference)) if ptr::eq(parsed, image) => reference,
            _ => {
                self.charge(image.len() as u64 / 64);
                let reference = ImageRef::parse(image);
                self.parsed_image = Some((image, reference));
                reference
            }
        }
    }
}
