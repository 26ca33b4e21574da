//! Layers that are kept: the second reading opens no layer, and gives the same files.

use super::{memory_image::MemoryImage, tar_builder::layer, text_inspector::TextInspector};
use kubevet_image::{FactsCache, ImageLimits, read_layers};
use std::sync::atomic::Ordering;

#[test]
fn kept_layer_is_not_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let cache = FactsCache::open(folder.path(), "test", 1 << 20).unwrap();
    let base = layer(&["f=1", "a->f", "f2=>f"]);
    let limits = ImageLimits::default();
    let inspector = TextInspector::default();
    let read = |tars: &[Vec<u8>]| {
        let image = MemoryImage::of(tars);
        let loaded = image.load(&limits).unwrap();
        let before = image.opened.load(Ordering::Relaxed);
        let layers = read_layers(&image, &loaded, &inspector, Some(&cache), &limits).unwrap();
        (layers, image.opened.load(Ordering::Relaxed) - before)
    };
    let (first, opened) = read(&[base.clone(), layer(&["g"])]);
    assert_eq!(opened, 2);
    assert_eq!(read(&[base.clone(), layer(&["g"])]), (first, 0));
    // Another image with the same base.
    assert_eq!(read(&[base, layer(&["h=2"])]).1, 1);
}
