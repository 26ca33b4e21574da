//! The packages of an image, from wherever it is: a registry, an archive, a layout, a folder.
//!
//! It wires the source, the layers and the catalogers together. It prints nothing.

use anyhow::Context as _;
use clap::Args;
use kubevet_catalog::{Catalog, CatalogSubject, inventory};
use kubevet_image::{
    BlobSource, ContainerImage, FactsCache, ImageLimits, ImageLocation, ImagePlatform,
    ImageSelection, LocalSource, SourceForm, detect_form, load_image, open_local, read_folder,
    read_layers, squash,
};
use kubevet_registry::{
    DockerConfig, ImageReference, Keychain, ProxySettings, RegistryClient, RegistryImageSource,
    RegistrySettings, TlsSettings,
};
use kubevet_sbom::{ImageIdentity, SbomDocument};
use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// The most bytes of all kept layers.
const CACHE_BYTES: u64 = 512 << 20;
/// The most bytes of Docker's configuration.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

#[derive(Debug, Args)]
pub(super) struct ImageSourceFlags {
    /// The platform of an image for several, such as linux/arm64
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<String>,
    /// A file of certificate authorities that registries are trusted by, beside those of the system
    #[arg(long, value_name = "FILE")]
    registry_ca: Vec<PathBuf>,
    /// A registry that may be reached by plain HTTP; loopback always may
    #[arg(long, value_name = "HOST[:PORT]")]
    insecure_registry: Vec<String>,
    /// A folder for the facts of layers, which are then read once; safe to delete
    #[arg(long, value_name = "DIR")]
    layer_cache: Option<PathBuf>,
}

impl ImageSourceFlags {
    /// Reads an image or folder.
    ///
    /// # Errors
    /// It cannot be found or read, or is not what it says.
    pub(super) fn read(&self, source: &str) -> anyhow::Result<SbomDocument> {
        let limits = ImageLimits::default();
        match ImageLocation::parse(source)? {
            ImageLocation::Local(local) => self.read_local(source, &local, &limits),
            ImageLocation::Registry(reference) => self.read_registry(source, &reference, &limits),
            ImageLocation::PathOrReference(text) => {
                let path = PathBuf::from(&text);
                match detect_form(&path, &limits)? {
                    Some(form) => {
                        let local = LocalSource {
                            form,
                            path,
                            digest: None,
                        };
                        self.read_local(source, &local, &limits)
                    }
                    None => self.read_registry(source, &text, &limits),
                }
            }
        }
    }

    fn selection(&self) -> anyhow::Result<ImageSelection> {
        let platform = self.platform.as_deref().map(str::parse::<ImagePlatform>);
        Ok(ImageSelection {
            platform: platform.transpose().context("--platform")?,
            name: None,
        })
    }

    fn read_local(
        &self,
        name: &str,
        local: &LocalSource,
        limits: &ImageLimits,
    ) -> anyhow::Result<SbomDocument> {
        if local.form == SourceForm::Folder {
            let subject = CatalogSubject::Folder;
            let files = read_folder(&local.path, &Catalog::new(subject), limits)?;
            return Ok(SbomDocument {
                name: local.path.display().to_string(),
                image: None,
                inventory: inventory(&files, subject),
            });
        }
        let opened = open_local(local, &self.selection()?, limits)?;
        self.read_image(name, opened.source.as_ref(), &opened.image, limits)
    }

    fn read_registry(
        &self,
        name: &str,
        reference: &str,
        limits: &ImageLimits,
    ) -> anyhow::Result<SbomDocument> {
        let reference = ImageReference::parse(reference)
            .with_context(|| format!("{reference} is no path, and no reference of an image"))?;
        let client = RegistryClient::new(self.registry_settings()?)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("the runtime of the client cannot start")?;
        let source = runtime.block_on(RegistryImageSource::open(
            &client,
            &reference,
            runtime.handle().clone(),
        ))?;
        let read = load_image(&source, &source.root(), &self.selection()?, limits)
            .map_err(anyhow::Error::from)
            .and_then(|image| self.read_image(name, &source, &image, limits));
        // The registry's own error says more than that a transfer failed.
        read.map_err(|error| source.failure().map_or(error, anyhow::Error::from))
    }

    fn registry_settings(&self) -> anyhow::Result<RegistrySettings> {
        Ok(RegistrySettings {
            keychain: docker_keychain()?,
            tls: TlsSettings {
                authority_files: self.registry_ca.clone(),
                ..TlsSettings::default()
            },
            proxies: ProxySettings::from_variables(|name| env::var(name).ok())?,
            insecure_registries: self.insecure_registry.clone(),
            ..RegistrySettings::default()
        })
    }

    fn read_image(
        &self,
        name: &str,
        source: &dyn BlobSource,
        image: &ContainerImage,
        limits: &ImageLimits,
    ) -> anyhow::Result<SbomDocument> {
        let subject = CatalogSubject::Image;
        let catalog = Catalog::new(subject);
        let cache = self
            .layer_cache
            .as_deref()
            .map(|folder| {
                FactsCache::open(folder, catalog.facts_version(), CACHE_BYTES)
                    .with_context(|| format!("--layer-cache {}", folder.display()))
            })
            .transpose()?;
        let cache = cache.as_ref().map(|cache| cache as _);
        let layers = read_layers(source, image, &catalog, cache, limits)?;
        let files = squash(layers, limits)?;
        Ok(SbomDocument {
            name: name.to_owned(),
            image: Some(identity(image)),
            inventory: inventory(&files, subject),
        })
    }
}

fn identity(image: &ContainerImage) -> ImageIdentity {
    let configuration = &image.configuration;
    ImageIdentity {
        manifest_digest: image
            .manifest_digest
            .map_or_else(String::new, |digest| digest.to_string()),
        config_digest: image.id.to_string(),
        media_type: image.manifest_media_type.clone(),
        architecture: configuration.platform.architecture.clone(),
        os: configuration.platform.os.clone(),
        layers: configuration
            .diff_ids
            .iter()
            .map(ToString::to_string)
            .collect(),
    }
}

/// The credentials of Docker's configuration of this user, if there is one.
fn docker_keychain() -> anyhow::Result<Keychain> {
    let folder = env::var_os("DOCKER_CONFIG").map(PathBuf::from).or_else(|| {
        let home = env::var_os("HOME")?;
        Some(Path::new(&home).join(".docker"))
    });
    let Some(path) = folder.map(|folder| folder.join("config.json")) else {
        return Ok(Keychain::anonymous());
    };
    if !path.is_file() {
        return Ok(Keychain::anonymous());
    }
    let name = path.display().to_string();
    let size = fs::metadata(&path).with_context(|| name.clone())?.len();
    anyhow::ensure!(
        size <= MAX_CONFIG_BYTES,
        "{name} has {size} bytes; at most {MAX_CONFIG_BYTES} are read"
    );
    let bytes = fs::read(&path).with_context(|| name.clone())?;
    let config = DockerConfig::parse(&bytes).with_context(|| name.clone())?;
    Ok(Keychain::anonymous().with_docker_config(&name, config))
}
