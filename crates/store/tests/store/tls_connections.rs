//! Encrypted connections to PostgreSQL, and what is refused.

use crate::{
    backends::{postgres, superuser_url},
    results::{NOON, deployment, write},
};
use kubevet_store::{ClusterIdentity, ResultStoreError, Store, StoreOptions};
use kubevet_testkit::{postgres_server::POSTGRES_PASSWORD, test_dir::TestDir};

fn options(url: &str) -> StoreOptions {
    let cluster = ClusterIdentity {
        id: "tls".to_owned(),
        name: String::new(),
    };
    StoreOptions::new(url.parse().unwrap(), cluster)
}

#[test]
fn certificate_of_the_server_is_verified() {
    let Some(server) = postgres("certificate_of") else {
        return;
    };
    server.sql(
        "postgres",
        "CREATE ROLE tls LOGIN PASSWORD 'p'; GRANT CREATE ON DATABASE postgres TO tls",
    );
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let folder = TestDir::new()
        .file("other.crt", other.cert.pem())
        .file("empty.crt", "");
    let own = server.folder().join("server.crt").display().to_string();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let url = |parameters: &str| {
        superuser_url(server, parameters)
            .replace(&format!("postgres:{POSTGRES_PASSWORD}@"), "tls:p@")
    };

    let mut store = Store::open(options(&url(&format!("?sslrootcert={own}")))).unwrap();
    write(&mut store, &[deployment("a", &["C-1:high"])], NOON);
    let encrypted = "SELECT BOOL_AND(s.ssl) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) \
                     WHERE a.usename = 'tls'";
    assert_eq!(server.sql("postgres", encrypted), "t");
    drop(store);

    let check = |parameters: String, expected: &str| {
        let error = Store::open(options(&url(&parameters)))
            .map(drop)
            .unwrap_err();
        let message = error.to_string();
        assert!(
            matches!(error, ResultStoreError::Unreachable { .. }),
            "{message}"
        );
        assert!(message.contains(expected), "{message}");
    };
    check(format!("?sslrootcert={}", file("other.crt")), "certificate");
    check(
        format!("?sslrootcert={}", file("empty.crt")),
        "there is none in the file",
    );
    check(
        format!("?sslrootcert={}", file("missing.crt")),
        "missing.crt",
    );
    // The authorities of the system have not signed it, if there are any.
    check("?sslmode=require".to_owned(), "certificate");
}

#[test]
fn refused_connection_does_not_print_the_password() {
    let Some(server) = postgres("refused_connection") else {
        return;
    };
    let url = superuser_url(server, "").replace(POSTGRES_PASSWORD, "wrong-secret");
    let error = Store::open(options(&url)).map(drop).unwrap_err();
    let message = format!("{error} {error:?}");
    assert!(
        message.contains("password authentication failed"),
        "{message}"
    );
    assert!(!message.contains("secret"), "{message}");
    let unused = superuser_url(server, "").replace(&server.port().to_string(), "1");
    let error = Store::open(options(&unused)).map(drop).unwrap_err();
    assert!(
        matches!(error, ResultStoreError::Unreachable { .. }),
        "{error}"
    );
    assert!(!error.to_string().contains(POSTGRES_PASSWORD), "{error}");
}
