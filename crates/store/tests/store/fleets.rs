//! Many clusters in one PostgreSQL, each with a role of its own.

use crate::{
    backends::{postgres, role_url},
    results::{NOON, deployment, write},
};
use kubevet_store::{
    ClusterIdentity, FindingFilter, Fleet, ResultStoreError, Store, StoreLocation, StoreOptions,
    StoreReader,
};
use kubevet_testkit::postgres_server::PostgresServer;

const CLUSTERS: [&str; 3] = ["fleet-east", "fleet-west", "fleet-north"];

fn options(server: &PostgresServer, role: &str, cluster: &str) -> StoreOptions {
    let identity = ClusterIdentity {
        id: cluster.to_owned(),
        name: format!("{cluster} name"),
    };
    StoreOptions::new(role_url(server, role).parse().unwrap(), identity)
}

fn schema(cluster: &str) -> String {
    format!("kubevet_{}", cluster.replace('-', "_"))
}

/// Each cluster has a schema that its role owns; the role has no other right. The role `fleet_report`
/// may read the first two. The statements are those of docs/store.md.
fn create_clusters(server: &PostgresServer) {
    server.sql("postgres", "CREATE ROLE fleet_report LOGIN PASSWORD 'p'");
    for (index, cluster) in CLUSTERS.into_iter().enumerate() {
        let (role, schema) = (cluster.replace('-', "_"), schema(cluster));
        server.sql(
            "postgres",
            &format!(
                "CREATE ROLE {role} LOGIN PASSWORD 'p'; CREATE SCHEMA {schema} AUTHORIZATION {role}"
            ),
        );
        if index < 2 {
            server.sql(
                "postgres",
                &format!(
                    "GRANT USAGE ON SCHEMA {schema} TO fleet_report; ALTER DEFAULT PRIVILEGES FOR \
                     ROLE {role} IN SCHEMA {schema} GRANT SELECT ON TABLES TO fleet_report"
                ),
            );
        }
        let mut store = Store::open(options(server, &role, cluster)).unwrap();
        let names: Vec<String> = (0..=index).map(|number| format!("d{number}")).collect();
        let objects: Vec<_> = names
            .iter()
            .map(|name| deployment(name, &["C-1:high"]))
            .collect();
        write(&mut store, &objects, NOON);
    }
}

#[test]
fn role_reads_and_writes_its_own_clusters_alone() {
    let Some(server) = postgres("role_reads") else {
        return;
    };
    create_clusters(server);
    // One cluster's role cannot come near another cluster.
    for other in ["fleet-west", "fleet-unknown"] {
        let error = Store::open(options(server, "fleet_east", other))
            .map(drop)
            .unwrap_err();
        let message = error.to_string();
        assert!(
            matches!(error, ResultStoreError::Refused { .. }),
            "{message}"
        );
        assert!(message.contains("permission denied"), "{message}");
    }
    let foreign = StoreReader::open(options(server, "fleet_east", "fleet-west"));
    assert!(foreign.is_err());
    // The role for reports cannot write.
    let error = Store::open(options(server, "fleet_report", "fleet-east"))
        .and_then(|mut store| store.claim())
        .unwrap_err();
    assert!(error.to_string().contains("permission denied"), "{error}");

    let location: StoreLocation = role_url(server, "fleet_report").parse().unwrap();
    let mut fleet = Fleet::open(location).unwrap();
    let mut check = |expected: &[&str]| {
        let clusters = fleet.clusters().unwrap().into_iter();
        let show = clusters.map(|cluster| match cluster.store {
            Ok((cluster, mut reader)) => {
                let open = reader.count(&FindingFilter::default()).unwrap().total();
                format!("{} ({}) {open}", cluster.identity.id, cluster.identity.name)
            }
            Err(error) => {
                assert!(
                    matches!(error, ResultStoreError::NewerVersion { .. }),
                    "{error}"
                );
                format!("{}: newer", cluster.schema)
            }
        });
        assert_eq!(show.collect::<Vec<_>>(), expected);
    };
    let east = "fleet-east (fleet-east name) 1";
    check(&[east, "fleet-west (fleet-west name) 2"]);
    // A cluster that was upgraded first does not hide the others, and is not left out silently.
    server.sql(
        "postgres",
        "UPDATE kubevet_fleet_west.schema_version SET version = 2",
    );
    check(&[east, "kubevet_fleet_west: newer"]);
}

#[test]
fn file_is_no_fleet() {
    let error = Fleet::open("store.db".parse().unwrap())
        .map(drop)
        .unwrap_err();
    assert!(error.to_string().contains("postgres://"), "{error}");
}
