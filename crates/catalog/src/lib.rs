//! What is installed in an image or a folder: package databases, language packages, programs known by
//! their content.
//!
//! Two steps. [`Catalog`] looks at each file alone and keeps [`FileFacts`], which are stored with the
//! layer. [`inventory`] puts the facts of the squashed file system together: what one package says in
//! several files, the distribution, and which package owns the files of another. It stands apart from
//! images, so that a folder is read by the same code. Nothing here opens a file, writes one, or compares
//! versions. Names, versions and package URLs are those of Syft.
//!
//! | file | is |
//! |---|---|
//! | `alpm` | Pacman's local database |
//! | `apk` | Alpine's installed database |
//! | `binary` | programs known by a text in their content |
//! | `binary_classes` | the programs that are known, and the texts that tell their version |
//! | `cataloger` | what a cataloger is |
//! | `catalog` | the question about each file |
//! | `catalogers` | the table of all catalogers |
//! | `composer` | PHP packages by Composer |
//! | `cpe` | names of the Common Platform Enumeration |
//! | `dotnet` | .NET packages by `*.deps.json` |
//! | `dpkg` | Debian's package database |
//! | `dpkg_copyright` | licences in Debian's copyright files |
//! | `executable` | sections and segments of ELF, PE and Mach-O files |
//! | `facts` | what is kept of a file |
//! | `files` | the facts of a squashed file system, found by path |
//! | `gem` | Ruby gems by gemspec |
//! | `go_binary` | Go modules in the build information of a program |
//! | `go_build_info` | the text that Go's linker writes |
//! | `inventory` | facts of all files put together |
//! | `java` | Java archives and what is nested in them |
//! | `java_manifest` | MANIFEST.MF |
//! | `java_names` | name, group and version of a Java archive |
//! | `java_runtime` | a runtime of Java by its release file |
//! | `javascript` | Node.js packages that are installed |
//! | `javascript_locks` | lock files of npm and Yarn, in folders |
//! | `json_document` | JSON files as values, bounded |
//! | `maven` | pom.properties and pom.xml |
//! | `os_release` | the distribution |
//! | `ownership` | packages whose files another package owns |
//! | `paragraphs` | fields of control files and of Python's metadata |
//! | `purl` | package URLs |
//! | `python` | Python distributions |
//! | `rpm` | RPM's packages |
//! | `rpm_berkeley` | pages of a Berkeley DB hash file |
//! | `rpm_header` | the header of an RPM package |
//! | `rpm_ndb` | slots of RPM's own database |
//! | `rpm_sqlite` | pages of an SQLite file |
//! | `rust_audit` | crates in the audit section of a Rust program |
//! | `zip` | entries of a zip archive |

mod alpm;
mod apk;
mod binary;
mod binary_classes;
mod catalog;
mod cataloger;
mod catalogers;
mod composer;
mod cpe;
mod dotnet;
mod dpkg;
mod dpkg_copyright;
mod executable;
mod facts;
mod files;
mod gem;
mod go_binary;
mod go_build_info;
mod inventory;
mod java;
mod java_manifest;
mod java_names;
mod java_runtime;
mod javascript;
mod javascript_locks;
mod json_document;
mod maven;
mod os_release;
mod ownership;
mod paragraphs;
mod purl;
mod python;
mod rpm;
mod rpm_berkeley;
mod rpm_header;
mod rpm_ndb;
mod rpm_sqlite;
mod rust_audit;
mod zip;

pub use catalog::Catalog;
pub use cataloger::CatalogSubject;
pub use facts::FileFacts;
pub use inventory::inventory;
