//! Images of a registry, read by what reads layers.

use crate::test_registry::{TestRegistry, client};
use kubevet_image::{ContainerImage, ImageError, ImageLimits, ImageSelection, load_image};
use kubevet_registry::RegistryImageSource;
use std::sync::Arc;
use tokio::{runtime::Handle, task::spawn_blocking};

async fn open(registry: &TestRegistry) -> Arc<RegistryImageSource> {
    let source = RegistryImageSource::open(&client(), &registry.image(), Handle::current()).await;
    Arc::new(source.unwrap())
}

/// Loads the image for `linux/amd64` on a thread that blocks.
async fn load(source: &Arc<RegistryImageSource>) -> Result<ContainerImage, ImageError> {
    let source = Arc::clone(source);
    let selection = ImageSelection {
        platform: Some("linux/amd64".parse().unwrap()),
        name: None,
    };
    let loading = spawn_blocking(move || {
        load_image(
            source.as_ref(),
            &source.root(),
            &selection,
            &ImageLimits::default(),
        )
    });
    loading.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn image_and_image_of_an_index_are_loaded() {
    for image in ["layers", "multiarch", "docker-types"] {
        let Some(registry) = TestRegistry::start_with("image source", image, &[]) else {
            return;
        };
        let loaded = load(&open(&registry).await).await.unwrap();
        assert!(!loaded.layers.is_empty(), "{image}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_of_the_registry_keeps_its_own_code() {
    for (fault, image_code, code) in [
        ("corrupt", "wrong-digest", "digest-mismatch"),
        ("extra", "wrong-size", "size-mismatch"),
        ("missing", "blob-missing", "not-found"),
        ("status,value=418", "transfer", "registry-status"),
        ("limit,value=9999", "transfer", "rate-limited"),
    ] {
        let Some(registry) = TestRegistry::start("faults of a source", &["-fault", fault]) else {
            return;
        };
        let source = open(&registry).await;
        let error = load(&source).await.unwrap_err();
        assert_eq!(error.code(), image_code, "{fault}: {error}");
        assert_eq!(source.failure().unwrap().code(), code, "{fault}");
    }
}
