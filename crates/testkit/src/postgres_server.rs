//! A real PostgreSQL from Debian's packages, in a temporary folder, on loopback. It ends with the test
//! process, however that ends.

use crate::process::run;
use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Where Debian puts the programs that are not on the PATH: a folder for each version.
const DEBIAN_VERSIONS: &str = "/usr/lib/postgresql";
/// The password of the superuser `postgres`.
pub const POSTGRES_PASSWORD: &str = "only-for-tests";

/// Starts the server, waits until its own stdin ends, and stops it. The signals of a terminal are for
/// the test process; this shell cleans up after it.
const SUPERVISOR: &str = r#"
trap '' INT TERM HUP
folder=$1 bin=$2 as=$3; shift 3
{
  $as "$bin/initdb" -D "$folder/data" -U postgres -A scram-sha-256 --pwfile="$folder/password" \
      --no-sync --encoding=UTF8 --locale=C.UTF-8 &&
  $as "$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -w -t 60 -o "$*" start
} >"$folder/setup" 2>&1 && echo ready || cat "$folder/setup" "$folder/log" | tr '\n' ' '
exec >/dev/null
cat >/dev/null
$as "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1
rm -rf "$folder"
"#;

/// A running server.
pub struct PostgresServer {
    port: u16,
    programs: PathBuf,
    folder: PathBuf,
    /// Its stdin is a pipe that ends with this process.
    _supervisor: Child,
}

impl PostgresServer {
    /// Starts a server with these files beside its data and these settings; `{folder}` in a setting
    /// is their folder. An error says why there is none, such as that PostgreSQL is not installed.
    pub fn start(files: &[(&str, &str)], settings: &[&str]) -> Result<Self, String> {
        let programs = find_programs()
            .ok_or("PostgreSQL is not installed (initdb; Debian's package `postgresql`)")?;
        let folder = tempfile::Builder::new()
            .prefix("kubevet-postgres-")
            .tempdir()
            .map_err(|error| error.to_string())?
            .keep();
        for (name, content) in files.iter().chain([&("password", POSTGRES_PASSWORD)]) {
            let file = folder.join(name);
            fs::write(&file, content).map_err(|error| error.to_string())?;
            let mode = fs::Permissions::from_mode(0o600);
            fs::set_permissions(&file, mode).map_err(|error| error.to_string())?;
        }
        let user = user_of_server()?;
        if let Some(user) = user {
            run(Command::new("chown").arg("-R").arg(user).arg(&folder), "").ok();
        }
        let port = free_port();
        let folder_text = folder.display().to_string();
        let settings = settings
            .iter()
            .map(|setting| setting.replace("{folder}", &folder_text));
        let options = [
            "fsync=off".to_owned(),
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            "unix_socket_directories=".to_owned(),
        ];
        let options = options.into_iter().chain(settings);
        let as_user = user.map_or(String::new(), |user| format!("runuser -u {user} --"));
        let mut supervisor = Command::new("sh")
            .args(["-c", SUPERVISOR, "sh"])
            .args([
                folder_text.as_str(),
                &programs.display().to_string(),
                &as_user,
            ])
            .args(options.map(|option| format!("-c {option}")))
            // The server's user may not enter the folder of the tests.
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut first = String::new();
        let output = supervisor.stdout.take().expect("stdout is piped");
        let _ = BufReader::new(output).read_line(&mut first);
        if first.trim() != "ready" {
            return Err(format!("PostgreSQL does not start: {first}"));
        }
        Ok(Self {
            port,
            programs,
            folder,
            _supervisor: supervisor,
        })
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of its files. The server's user owns it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs statements as the superuser, and returns the rows: values with `|` between them.
    pub fn sql(&self, database: &str, statements: &str) -> String {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
        ])
        .args([
            "-p",
            &self.port.to_string(),
            "-U",
            "postgres",
            "-d",
            database,
        ])
        .env("PGPASSWORD", POSTGRES_PASSWORD);
        run(&mut psql, statements).ok().trim().to_owned()
    }
}

/// The folder of `initdb`: on the PATH, or of the newest version that Debian has installed.
fn find_programs() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(DEBIAN_VERSIONS)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort();
    let path = env::var_os("PATH").unwrap_or_default();
    let installed = versions.into_iter().rev().map(|(_, folder)| folder);
    let mut folders = installed.chain(env::split_paths(&path).collect::<Vec<_>>());
    folders.find(|folder| {
        ["initdb", "pg_ctl", "psql"]
            .iter()
            .all(|name| folder.join(name).exists())
    })
}

/// The user that the server runs as; `None` for that of the tests. PostgreSQL refuses to run as root.
fn user_of_server() -> Result<Option<&'static str>, String> {
    let id = |arguments: &[&str]| Command::new("id").args(arguments).output();
    let own = id(&["-u"]).map_err(|error| error.to_string())?;
    if String::from_utf8_lossy(&own.stdout).trim() != "0" {
        return Ok(None);
    }
    let exists = |user: &&str| id(&[user]).is_ok_and(|output| output.status.success());
    let user = ["postgres", "nobody"].into_iter().find(exists);
    user.map(Some)
        .ok_or_else(|| "there is no user but root to run PostgreSQL".to_owned())
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}
