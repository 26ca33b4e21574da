//! The layers of an image, several at a time: from the cache where they are known, else by a pass.
//!
//! The result does not depend on the order in which threads end. The first error ends the image.

use super::{
    blob::{BlobSource, BlobStream, StoredBlobs},
    budget::Budget,
    descriptor::BlobDescriptor,
    digest::BlobDigest,
    error::ImageError,
    image::{ContainerImage, ImageLayer},
    inspector::Inspector,
    layer_content::LayerContent,
    layer_pass::{FirstPass, read_layer, read_missed_links},
    limits::ImageLimits,
    verified_reader::{ExpectedBlob, VerifiedReader},
};
use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// Layers that were read before.
pub trait LayerCache<F>: Sync {
    /// A layer by its diff id.
    fn get(&self, diff_id: BlobDigest) -> Option<LayerContent<F>>;

    /// Keeps a layer. What cannot be kept is read again next time.
    fn put(&self, layer: &LayerContent<F>);
}

/// A layer after reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadLayer<F> {
    /// It was read whole.
    Read(LayerContent<F>),
    /// It was not read: a result without it is not complete.
    NotEvaluated {
        /// Why, without a full stop.
        reason: String,
    },
}

/// Reads all layers of an image, the lowest first in the result.
pub fn read_layers<I: Inspector>(
    source: &dyn BlobSource,
    image: &ContainerImage,
    inspector: &I,
    cache: Option<&dyn LayerCache<I::Facts>>,
    limits: &ImageLimits,
) -> Result<Vec<ReadLayer<I::Facts>>, ImageError> {
    let reader = ImageReader {
        source,
        image,
        inspector,
        cache,
        budget: Budget::new(limits),
    };
    let mut layers: Vec<Option<ReadLayer<I::Facts>>> = Vec::new();
    let mut unread: Vec<usize> = Vec::new();
    for (index, layer) in image.layers.iter().enumerate() {
        let known = reader.known(layer);
        if known.is_none() {
            unread.push(index);
        }
        layers.push(known);
    }
    let contents = match source.in_stored_order() {
        Some(stored) => reader.read_in_stored_order(stored, &unread)?,
        None => reader.read_in_parallel(&unread)?,
    };
    for (index, content) in unread.into_iter().zip(contents) {
        if let Some(cache) = cache {
            cache.put(&content);
        }
        if let Some(place) = layers.get_mut(index) {
            *place = Some(ReadLayer::Read(content));
        }
    }
    Ok(layers.into_iter().flatten().collect())
}

struct ImageReader<'a, I: Inspector> {
    source: &'a dyn BlobSource,
    image: &'a ContainerImage,
    inspector: &'a I,
    cache: Option<&'a dyn LayerCache<I::Facts>>,
    budget: Budget<'a>,
}

type Outcome<F> = Mutex<Option<Result<LayerContent<F>, ImageError>>>;

impl<I: Inspector> ImageReader<'_, I> {
    /// What is known of a layer without reading it.
    fn known(&self, layer: &ImageLayer) -> Option<ReadLayer<I::Facts>> {
        if let Some(reason) = &layer.not_evaluated {
            let reason = reason.clone();
            return Some(ReadLayer::NotEvaluated { reason });
        }
        let content = self.cache?.get(layer.diff_id?)?;
        Some(ReadLayer::Read(content))
    }

    fn layer(&self, index: usize) -> Result<&ImageLayer, ImageError> {
        let layer = self.image.layers.get(index);
        layer.ok_or_else(|| ImageError::format(&self.image.place, "a layer is missing"))
    }

    fn place(&self, index: usize) -> String {
        format!("{}: layer {index}", self.image.place)
    }

    fn read_in_parallel(
        &self,
        indexes: &[usize],
    ) -> Result<Vec<LayerContent<I::Facts>>, ImageError> {
        let outcomes: Vec<Outcome<I::Facts>> = indexes.iter().map(|_| Mutex::new(None)).collect();
        let next = AtomicUsize::new(0);
        let work = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let (Some(index), Some(outcome)) = (indexes.get(number), outcomes.get(number))
                else {
                    return;
                };
                let result = self.read(*index);
                if result.is_err() {
                    self.budget.cancel();
                }
                *outcome.lock().unwrap_or_else(|poison| poison.into_inner()) = Some(result);
            }
        };
        let threads = self.budget.limits.threads.clamp(1, 64).min(indexes.len());
        thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(work);
            }
            work();
        });
        self.first_error_or_all(outcomes)
    }

    /// All results, or the error of the lowest layer that ended by itself.
    fn first_error_or_all(
        &self,
        outcomes: Vec<Outcome<I::Facts>>,
    ) -> Result<Vec<LayerContent<I::Facts>>, ImageError> {
        let mut contents = Vec::new();
        let mut cancelled = None;
        for outcome in outcomes {
            let outcome = outcome.into_inner();
            match outcome.unwrap_or_else(|poison| poison.into_inner()) {
                Some(Ok(content)) => contents.push(content),
                Some(Err(error @ ImageError::Cancelled { .. })) => cancelled = Some(error),
                Some(Err(error)) => return Err(error),
                None => {
                    let place = self.image.place.clone();
                    cancelled = Some(ImageError::Cancelled { place });
                }
            }
        }
        cancelled.map_or(Ok(contents), Err)
    }

    fn read(&self, index: usize) -> Result<LayerContent<I::Facts>, ImageError> {
        let layer = self.layer(index)?;
        let open = || self.source.open(&layer.blob);
        let mut pass = self.first_pass(index, open()?)?;
        if !pass.missed.is_empty() {
            self.second_pass(index, &mut pass, open()?)?;
        }
        Ok(pass.content)
    }

    fn first_pass(
        &self,
        index: usize,
        stream: BlobStream<'_>,
    ) -> Result<FirstPass<I::Facts>, ImageError> {
        let expected = self.expected(index)?;
        let blob = VerifiedReader::new(stream, expected, &self.budget);
        read_layer(
            blob,
            self.layer(index)?.diff_id,
            self.inspector,
            &self.budget,
        )
    }

    fn second_pass(
        &self,
        index: usize,
        pass: &mut FirstPass<I::Facts>,
        stream: BlobStream<'_>,
    ) -> Result<(), ImageError> {
        let expected = self.expected(index)?;
        let blob = VerifiedReader::new(stream, expected, &self.budget);
        read_missed_links(blob, pass, self.inspector, &self.budget)
    }

    fn expected(&self, index: usize) -> Result<ExpectedBlob, ImageError> {
        let layer = self.layer(index)?;
        Ok(ExpectedBlob {
            place: self.place(index),
            digest: layer.is_blob_digest.then_some(layer.blob.digest),
            size: layer.blob.size,
            limit: self.budget.limits.blob_bytes,
        })
    }

    fn read_in_stored_order(
        &self,
        stored: &dyn StoredBlobs,
        indexes: &[usize],
    ) -> Result<Vec<LayerContent<I::Facts>>, ImageError> {
        let mut passes: Vec<Option<FirstPass<I::Facts>>> = indexes.iter().map(|_| None).collect();
        stored.visit_blobs(&self.blobs(indexes)?, &mut |number, blob| {
            if let (Some(index), Some(pass)) = (indexes.get(number), passes.get_mut(number)) {
                *pass = Some(self.first_pass(*index, Box::new(blob))?);
            }
            Ok(())
        })?;
        let mut passes: Vec<FirstPass<I::Facts>> = passes.into_iter().flatten().collect();
        let missed = passes.iter_mut().zip(indexes);
        let mut missed: Vec<(&mut FirstPass<I::Facts>, usize)> = missed
            .filter(|(pass, _)| !pass.missed.is_empty())
            .map(|(pass, index)| (pass, *index))
            .collect();
        if !missed.is_empty() {
            let indexes: Vec<usize> = missed.iter().map(|(_, index)| *index).collect();
            stored.visit_blobs(&self.blobs(&indexes)?, &mut |number, blob| match missed
                .get_mut(number)
            {
                Some((pass, index)) => self.second_pass(*index, pass, Box::new(blob)),
                None => Ok(()),
            })?;
        }
        Ok(passes.into_iter().map(|pass| pass.content).collect())
    }

    fn blobs(&self, indexes: &[usize]) -> Result<Vec<&BlobDescriptor>, ImageError> {
        let layers = indexes.iter().map(|index| self.layer(*index));
        layers.map(|layer| layer.map(|layer| &layer.blob)).collect()
    }
}
